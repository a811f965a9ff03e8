"""The figures of dashboards, added up by the database: how many, how good, how long, where they fail, and over time."""

import math
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.field_kind import equals_choice
from stationmaster.db.json_member import PerDialect
from stationmaster.domains.runs.dashboard_schemas import StatisticsOut, StepFiguresOut, TrendOut
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.repository import is_visible
from stationmaster.domains.runs.status import RunStatus, StepStatus

SLOWEST_SHARE = 0.05

_runs = table_of(Run)
_steps = table_of(StepRun)
Row = sa.Row[Any]


def _of(process_id: UUID | None) -> sa.ColumnElement[bool]:
    # The deleted mark stands here in the very words of the partial indexes.
    mine = is_visible() if process_id is None else _runs.c.process_id == process_id
    return sa.and_(_runs.c.deleted_at.is_(None), mine)


async def sum_up(session: AsyncSession, process_id: UUID | None = None) -> StatisticsOut:
    """Add up the runs of one process, or of all."""
    rows = (await session.execute(_count(_runs.c.status).where(_of(process_id)))).all()
    completed = sum(row.number for row in rows if row.status is RunStatus.COMPLETED)
    return summarise(rows, await _find_p95(session, process_id, completed))


async def sum_up_each(session: AsyncSession) -> dict[UUID, StatisticsOut]:
    """Add up the runs of each process; the slowest are not looked for."""
    rows = (await session.execute(_count(_runs.c.process_id, _runs.c.status).where(_of(None)))).all()
    ids = {row.process_id for row in rows}
    return {id_: summarise([row for row in rows if row.process_id == id_], None) for id_ in ids}


def _count(*keys: sa.ColumnElement[Any]) -> sa.Select[Any]:
    number = sa.func.count().label("number")
    average = sa.func.avg(_runs.c.duration_seconds).label("average")
    return sa.select(*keys, number, average).group_by(*keys)


def summarise(rows: Sequence[Row], p95: float | None) -> StatisticsOut:
    """Make statistics of counted rows: one for each status, with the mean duration."""
    count = {row.status: row.number for row in rows}
    completed, failed = count.get(RunStatus.COMPLETED, 0), count.get(RunStatus.FAILED, 0)
    return StatisticsOut(
        total_runs=sum(count.values()),
        completed_runs=completed,
        failed_runs=failed,
        running_runs=count.get(RunStatus.RUNNING, 0),
        cancelled_runs=count.get(RunStatus.CANCELLED, 0),
        pending_runs=count.get(RunStatus.PENDING, 0),
        success_rate=rate(completed, failed),
        average_completion_time=next((row.average for row in rows if row.status is RunStatus.COMPLETED), None),
        p95_completion_time=p95,
    )


def rate(good: int, bad: int) -> float | None:
    """Return the good ones in percent; None when there are none at all."""
    return round(100 * good / (good + bad), 2) if good + bad else None


async def _find_p95(session: AsyncSession, process_id: UUID | None, completed: int) -> float | None:
    """Return the duration that 95 % of the completed runs did not exceed (nearest rank), counted from the slow end."""
    if not completed:
        return None
    behind = completed - math.ceil(completed * (1 - SLOWEST_SHARE))
    statement = (
        sa.select(_runs.c.duration_seconds)
        .where(_of(process_id), equals_choice(_runs.c.status, RunStatus.COMPLETED))
        .order_by(_runs.c.duration_seconds.desc().nulls_last())
        .offset(behind)
        .limit(1)
    )
    found: float | None = await session.scalar(statement)
    return found


async def list_trend(session: AsyncSession, process_id: UUID | None, *, now: datetime, days: int) -> list[TrendOut]:
    """Return what became of the runs that began on each of the last days, oldest first."""
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    day = _day(_runs.c.created_at).label("day")
    statement = _count(day, _runs.c.status).where(_of(process_id), _runs.c.created_at >= first)
    rows = (await session.execute(statement)).all()
    by_day = {name: [row for row in rows if row.day == name] for name in {row.day for row in rows}}
    every = [(first + timedelta(days=number)).date() for number in range(days)]
    return [_show_day(one, by_day.get(one.isoformat(), [])) for one in every]


def _day(instant: sa.ColumnElement[datetime]) -> sa.ColumnElement[str]:
    on_postgresql = sa.func.to_char(sa.func.timezone("UTC", instant), "YYYY-MM-DD", type_=sa.Text)
    return PerDialect(sa.func.date(instant, type_=sa.Text), on_postgresql)


def _show_day(day: date, rows: Sequence[Row]) -> TrendOut:
    found = summarise(rows, None)
    return TrendOut(
        date=day,
        total=found.total_runs,
        completed=found.completed_runs,
        failed=found.failed_runs,
        success_rate=found.success_rate,
        average_completion_time=found.average_completion_time,
    )


async def count_steps(
    session: AsyncSession, process_id: UUID, steps: Collection[tuple[UUID, str, int]]
) -> list[StepFiguresOut]:
    """Count where the current step runs of each step (id, name, index) stand.

    Those of deleted runs are counted apart and taken off: they are few, and all others are read from an index alone.
    """
    ids = [id_ for id_, *_ in steps]
    every = _count_steps(ids)
    gone = _count_steps(ids).join(_runs, _runs.c.id == _steps.c.run_id).where(_runs.c.deleted_at.is_not(None))
    counts: dict[tuple[UUID, StepStatus], int] = {}
    for statement, sign in ((every, 1), (gone.where(_runs.c.process_id == process_id), -1)):
        for step_id, status, number in await session.execute(statement):
            counts[step_id, status] = counts.get((step_id, status), 0) + sign * number
    return [_show_step(step, counts) for step in steps]


def _count_steps(ids: Sequence[UUID]) -> sa.Select[Any]:
    return (
        sa.select(_steps.c.step_id, _steps.c.status, sa.func.count())
        .where(_steps.c.step_id.in_(ids), _steps.c.is_current, _steps.c.parent_id.is_(None))
        .group_by(_steps.c.step_id, _steps.c.status)
    )


def _show_step(step: tuple[UUID, str, int], counts: dict[tuple[UUID, StepStatus], int]) -> StepFiguresOut:
    id_, name, index = step
    found = {status.value: counts.get((id_, status), 0) for status in StepStatus}
    success_rate = rate(found[StepStatus.SUCCESS], found[StepStatus.FAILED])
    return StepFiguresOut(step_id=id_, name=name, index=index, success_rate=success_rate, **found)
