"""The rule by which the status and the times of a run follow from its step runs, as one statement.

The first that fits:

1. somebody cancelled the run: cancelled
2. a step failed, and not an optional one: failed
3. a step was cancelled: cancelled
4. a step is running: running
5. some step has ended, and none that holds the run up is waiting: completed
6. some step has ended, or is to be done again: running
7. otherwise: pending

Whoever calls this has locked the runs, so that the rows it reads are the newest.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_instant
from stationmaster.db.json_member import PerDialect
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import DONE, ENDED_RUNS, RunStatus, StepStatus
from stationmaster.kit import clock

runs = table_of(Run)
steps = table_of(StepRun)


async def derive(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Bring the status and the times of these runs, which are locked, up to their step runs."""
    await session.flush()
    facts = _facts(ids)
    status = _status(facts)
    has_ended = status.in_([each.value for each in ENDED_RUNS])
    started_at = facts.c.started_at
    ended_at = _latest(facts.c.finished_at, runs.c.cancelled_at)
    # Steps that were not needed have no times: then it ended when that was said.
    finished_at = sa.case((has_ended, sa.func.coalesce(ended_at, runs.c.finished_at, database_instant(session))))
    statement = (
        sa.update(runs)
        .where(runs.c.id == facts.c.id)
        .values(
            status=status,
            started_at=started_at,
            finished_at=finished_at,
            duration_seconds=sa.case((has_ended, seconds_between(started_at, finished_at))),
            updated_at=clock.now(),
        )
    )
    await session.execute(statement, execution_options={"synchronize_session": False})


def _facts(ids: Collection[UUID]) -> sa.Subquery:
    """Count what the step runs of each run say; those for single items count in what their parent says."""
    mine = runs.alias("mine")
    status, optional = steps.c.status, steps.c.is_optional
    tolerated = sa.and_(status == StepStatus.FAILED, optional)
    is_ours = sa.or_(steps.c.execution_id.is_not(None), steps.c.original_step_run_id.is_not(None))

    def count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.count(sa.case((sa.and_(steps.c.is_current, condition), 1)))

    return (
        sa.select(
            mine.c.id,
            count(sa.and_(status == StepStatus.FAILED, ~optional)).label("failed"),
            count(status == StepStatus.CANCELLED).label("cancelled"),
            count(status == StepStatus.RUNNING).label("running"),
            count(sa.and_(status == StepStatus.PENDING, sa.or_(~optional, is_ours))).label("waiting"),
            count(sa.or_(status.in_(DONE), tolerated)).label("done"),
            sa.func.count(sa.case((~steps.c.is_current, 1))).label("before"),
            sa.func.min(steps.c.started_at).label("started_at"),
            sa.func.max(sa.case((steps.c.is_current, steps.c.finished_at))).label("finished_at"),
        )
        .select_from(mine.outerjoin(steps, sa.and_(steps.c.run_id == mine.c.id, steps.c.parent_id.is_(None))))
        .where(mine.c.id.in_(ids))
        .group_by(mine.c.id)
        .subquery("facts")
    )


def _status(facts: sa.Subquery) -> sa.Case[str]:
    return sa.case(
        (runs.c.cancelled_at.is_not(None), RunStatus.CANCELLED.value),
        (facts.c.failed > 0, RunStatus.FAILED.value),
        (facts.c.cancelled > 0, RunStatus.CANCELLED.value),
        (facts.c.running > 0, RunStatus.RUNNING.value),
        (sa.and_(facts.c.done > 0, facts.c.waiting == 0), RunStatus.COMPLETED.value),
        (facts.c.done + facts.c.before > 0, RunStatus.RUNNING.value),
        else_=RunStatus.PENDING.value,
    )


def _latest(one: sa.ColumnElement[object], other: sa.ColumnElement[object]) -> sa.ColumnElement[object]:
    """Return the later of two instants, either of which may be missing."""
    return sa.case(
        (one.is_(None), other),
        (other.is_(None), one),
        (other > one, other),
        else_=one,
    )


def seconds_between(start: sa.ColumnElement[object], end: sa.ColumnElement[object]) -> sa.ColumnElement[float]:
    """Return the seconds from one instant to another, to the millisecond."""
    days = sa.func.julianday(end) - sa.func.julianday(start)
    on_sqlite = sa.func.round(days * 86_400.0, 3)
    on_postgresql = sa.cast(sa.extract("epoch", end - start), sa.Float)
    return PerDialect(on_sqlite, on_postgresql)
