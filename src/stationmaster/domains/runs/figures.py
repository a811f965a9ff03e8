"""The figures of dashboards, added up by the database: how many, how good, how long, where they fail, and over time."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.field_kind import equals_choice
from stationmaster.db.json_member import PerDialect
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs.dashboard_schemas import StatisticsOut, StepFiguresOut, TrendOut
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import RunStatus, StepStatus

SLOWEST_SHARE = 0.05

_runs = table_of(Run)
_steps = table_of(StepRun)
_processes = table_of(Process)
Row = sa.Row[Any]


@dataclass(frozen=True)
class Count:
    """How many runs have a status, and how long those took that have ended."""

    status: RunStatus
    number: int
    timed: int
    seconds: float

    @classmethod
    def of(cls, row: Row) -> "Count":
        """Read a row of `_count`."""
        return cls(row.status, row.number, row.timed, row.seconds or 0.0)


def _of(process_id: UUID | None) -> sa.ColumnElement[bool]:
    # The deleted mark stands here in the very words of the partial indexes, and living processes are named one by one: of
    # each, an index alone is read.
    living = sa.select(_processes.c.id).where(_processes.c.deleted_at.is_(None))
    mine = _runs.c.process_id.in_(living) if process_id is None else _runs.c.process_id == process_id
    return sa.and_(_runs.c.deleted_at.is_(None), mine)


async def sum_up(session: AsyncSession, process_id: UUID) -> StatisticsOut:
    """Add up the runs of one process."""
    rows = await session.execute(_count(_runs.c.status).where(_of(process_id)))
    return await _with_p95(session, [Count.of(row) for row in rows], process_id)


async def sum_up_all(session: AsyncSession) -> tuple[StatisticsOut, dict[UUID, StatisticsOut]]:
    """Add up all runs, and those of each process; of these the slowest are not looked for."""
    by_process = defaultdict(list)
    for row in await session.execute(_count(_runs.c.process_id, _runs.c.status).where(_of(None))):
        by_process[row.process_id].append(Count.of(row))
    together = await _with_p95(session, [count for counts in by_process.values() for count in counts], None)
    return together, {id_: summarise(counts, None) for id_, counts in by_process.items()}


def _count(*keys: sa.ColumnElement[Any]) -> sa.Select[Any]:
    duration = _runs.c.duration_seconds
    figures = (
        sa.func.count().label("number"),
        sa.func.count(duration).label("timed"),
        sa.func.sum(duration).label("seconds"),
    )
    return sa.select(*keys, *figures).group_by(*keys)


async def _with_p95(session: AsyncSession, counts: Sequence[Count], process_id: UUID | None) -> StatisticsOut:
    timed = sum(count.timed for count in counts if count.status is RunStatus.COMPLETED)
    return summarise(counts, await _find_p95(session, process_id, timed))


def summarise(counts: Sequence[Count], p95: float | None) -> StatisticsOut:
    """Make statistics of counts, of which several may be of one status."""
    number: Counter[RunStatus] = Counter()
    for count in counts:
        number[count.status] += count.number
    completed, failed = number[RunStatus.COMPLETED], number[RunStatus.FAILED]
    return StatisticsOut(
        total_runs=number.total(),
        completed_runs=completed,
        failed_runs=failed,
        running_runs=number[RunStatus.RUNNING],
        cancelled_runs=number[RunStatus.CANCELLED],
        pending_runs=number[RunStatus.PENDING],
        success_rate=rate(completed, failed),
        average_completion_time=_average([count for count in counts if count.status is RunStatus.COMPLETED]),
        p95_completion_time=p95,
    )


def _average(counts: Sequence[Count]) -> float | None:
    timed = sum(count.timed for count in counts)
    return sum(count.seconds for count in counts) / timed if timed else None


def rate(good: int, bad: int) -> float | None:
    """Return the good ones in percent; None when there are none at all."""
    return round(100 * good / (good + bad), 2) if good + bad else None


async def _find_p95(session: AsyncSession, process_id: UUID | None, timed: int) -> float | None:
    """Return the duration that 95 % of the completed runs did not exceed (nearest rank), counted from the slow end."""
    if not timed:
        return None
    duration = _runs.c.duration_seconds
    statement = (
        sa.select(duration)
        .where(_of(process_id), equals_choice(_runs.c.status, RunStatus.COMPLETED), duration.is_not(None))
        .order_by(duration.desc())
        .offset(timed - math.ceil(timed * (1 - SLOWEST_SHARE)))
        .limit(1)
    )
    found: float | None = await session.scalar(statement)
    return found


async def list_trend(session: AsyncSession, process_id: UUID | None, *, now: datetime, days: int) -> list[TrendOut]:
    """Return what became of the runs that began on each of the last days, oldest first."""
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    day = _day(_runs.c.created_at).label("day")
    statement = _count(day, _runs.c.status).where(_of(process_id), _runs.c.created_at >= first)
    by_day = defaultdict(list)
    for row in await session.execute(statement):
        by_day[row.day].append(Count.of(row))
    every = [(first + timedelta(days=number)).date() for number in range(days)]
    return [_show_day(one, by_day[one.isoformat()]) for one in every]


def _day(instant: sa.ColumnElement[datetime]) -> sa.ColumnElement[str]:
    on_postgresql = sa.func.to_char(sa.func.timezone("UTC", instant), "YYYY-MM-DD", type_=sa.Text)
    return PerDialect(sa.func.date(instant, type_=sa.Text), on_postgresql)


def _show_day(day: date, counts: Sequence[Count]) -> TrendOut:
    found = summarise(counts, None)
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
    deleted = sa.select(_runs.c.id).where(_runs.c.deleted_at.is_not(None), _runs.c.process_id == process_id)
    counts: dict[tuple[UUID, StepStatus], int] = {}
    for statement, sign in ((every, 1), (_count_steps(ids).where(_steps.c.run_id.in_(deleted)), -1)):
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
