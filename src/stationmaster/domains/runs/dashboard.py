"""Dashboards: figures, and the runs behind them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.processes import reading as process_reading
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs import figures, repository
from stationmaster.domains.runs.dashboard_schemas import (
    DashboardOut,
    DashboardRunOut,
    ProcessDashboardOut,
    ProcessFiguresOut,
)
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import StepStatus
from stationmaster.identity.actor import Actor, Role
from stationmaster.web.paging import LargePage


async def show_overall(session: AsyncSession, *, days: int) -> DashboardOut:
    """Show how all processes are doing."""
    together, each = await figures.sum_up_all(session)
    names = await processes.find_names(session)
    nothing = figures.summarise([], None)
    return DashboardOut(
        statistics=together,
        processes=[
            ProcessFiguresOut(process_id=id_, name=name, statistics=each.get(id_, nothing)) for id_, name in names
        ],
        trend=await figures.list_trend(session, None, now=await database_now(session), days=days),
    )


async def show_process(
    session: AsyncSession, process: Process, runs: LargePage[DashboardRunOut], *, days: int
) -> ProcessDashboardOut:
    """Show how one process is doing, beside a page of its runs."""
    steps = [(step.id, step.name, step.index) for step in await processes.list_steps(session, process.id)]
    return ProcessDashboardOut(
        process=await process_reading.show_process(session, process),
        runs=runs,
        statistics=await figures.sum_up(session, process.id),
        steps=await figures.count_steps(session, process.id, steps),
        trend=await figures.list_trend(session, process.id, now=await database_now(session), days=days),
    )


async def show_runs(session: AsyncSession, runs: Sequence[Run], actor: Actor) -> list[DashboardRunOut]:
    """Show the runs of a page; viewers do not see whom they are about."""
    steps = await repository.list_current_of(session, [run.id for run in runs])
    is_open = actor.role.includes(Role.USER)
    return [_show_run(run, steps.get(run.id, []), is_open=is_open) for run in runs]


def _show_run(run: Run, steps: Sequence[StepRun], *, is_open: bool) -> DashboardRunOut:
    good = sum(step.status is StepStatus.SUCCESS for step in steps)
    return DashboardRunOut(
        **run.model_dump(include={"id", "status", "started_at", "finished_at", "duration_seconds", "created_at"}),
        entity_id=run.entity_id if is_open else None,
        entity_name=run.entity_name if is_open else None,
        meta=run.meta if is_open else None,
        success_rate=figures.rate(good, len(steps) - good),
    )


async def get_process(session: AsyncSession, id_: UUID) -> Process:
    """Return the process that a dashboard is of.

    Raises:
        ProcessNotFound
    """
    return await processes.get_process(session, id_)
