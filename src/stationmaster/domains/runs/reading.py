"""Runs as the API shows them: with their current step runs, read a page at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.processes import service as processes
from stationmaster.domains.runs import repository
from stationmaster.domains.runs.listing import RunItem
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.schemas import RunOut
from stationmaster.domains.runs.step_schemas import StepRunOut
from stationmaster.kit.months import add_months
from stationmaster.web.items import make_item

_FIELDS = set(RunOut.model_fields) - {"steps", "scheduled_deletion_at", "is_neutralized", "is_partial"}


async def show_run(session: AsyncSession, run: Run) -> RunOut:
    """Show one run."""
    return (await show_runs(session, [run]))[0]


async def show_runs(session: AsyncSession, runs: Sequence[Run]) -> list[RunOut]:
    """Show runs with their current step runs, with two statements for all of them."""
    step_runs = await repository.list_current_of(session, [run.id for run in runs])
    months = await processes.find_retention(session, {run.process_id for run in runs})
    return [_show(run, step_runs.get(run.id, []), months.get(run.process_id)) for run in runs]


def _show(run: Run, step_runs: Sequence[StepRun], months: int | None) -> RunOut:
    return RunOut(
        **run.model_dump(include=_FIELDS),
        is_partial=any(one.is_partial for one in step_runs),
        is_neutralized=run.neutralized_at is not None,
        scheduled_deletion_at=due_at(run, months),
        steps=[StepRunOut.model_validate(one) for one in step_runs],
    )


def due_at(run: Run, months: int | None) -> datetime | None:
    """Return when a run is to be neutralised; one that is has that behind it."""
    return None if months is None or run.neutralized_at is not None else add_months(run.created_at, months)


async def show_items(session: AsyncSession, runs: Sequence[Run], fields: Collection[str]) -> list[RunItem]:
    """Show the runs of a list."""
    return [make_item(RunItem, shown, fields) for shown in await show_runs(session, runs)]


def show_step_run(step_run: StepRun) -> StepRunOut:
    """Show one step run."""
    return StepRunOut.model_validate(step_run)


def show_step_runs(rows: Sequence[StepRun]) -> list[StepRunOut]:
    """Show the step runs of a list."""
    return [show_step_run(row) for row in rows]
