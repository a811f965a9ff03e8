"""Failures in a row: counted as executions end, and what a job's `auto_pause_after_failures` makes of them."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.jobs import notices
from stationmaster.domains.jobs.models import Job, PauseCause
from stationmaster.domains.notifications.notice import Topic
from stationmaster.kit.instants import format_instant

UNSUCCESSFUL = frozenset({State.FAILED, State.TIMED_OUT, State.LOST})

jobs = table_of(Job)


def walk(failures: int, ended: Iterable[Execution]) -> Iterator[tuple[Execution, int]]:
    """Yield executions of one job in the order in which they ended, each with the failures in a row up to it.

    What was cancelled or skipped says nothing about the job.
    """
    for execution in ended:
        if execution.state is State.SUCCEEDED:
            failures = 0
        elif execution.state in UNSUCCESSFUL:
            failures += 1
        yield execution, failures


async def count(session: AsyncSession, ended: Sequence[Execution]) -> None:
    """Count the failures of the jobs whose executions these are, and pause those that had too many."""
    ids = sorted({execution.job_id for execution in ended if execution.job_id})
    rows = sa.select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.id).with_for_update(key_share=True)
    for row in (await session.execute(rows)).all():
        await _count_one(session, row, [execution for execution in ended if execution.job_id == row.id])


async def _count_one(session: AsyncSession, row: sa.Row[tuple[object, ...]], ended: Sequence[Execution]) -> None:
    walked = list(walk(row.failures_in_a_row, ended))
    failures = walked[-1][1]
    if failures != row.failures_in_a_row:
        await session.execute(
            sa.update(jobs).where(jobs.c.id == row.id).values(failures_in_a_row=failures, updated_at=jobs.c.updated_at)
        )
    limit = row.auto_pause_after_failures
    if limit and failures >= limit and row.paused_at is None:
        await _pause(session, row, failures, walked[-1][0].id)


async def _pause(session: AsyncSession, row: sa.Row[tuple[object, ...]], failures: int, execution_id: UUID) -> None:
    now = await database_now(session)
    reason = f"{failures} executions in a row failed."
    await session.execute(
        sa.update(jobs)
        .where(jobs.c.id == row.id)
        .values(paused_at=now, paused_until=None, pause_cause=PauseCause.FAILURES, pause_reason=reason, updated_at=now)
    )
    await notices.tell(
        session,
        Topic.JOB_PAUSED,
        job_id=row.id,
        owner_id=row.owner_id,
        team_id=row.team_id,
        title=f"{row.name} has been paused",
        text=f"{reason} The job pauses since {format_instant(now)}, until somebody resumes it.",
        key=f"job_paused:{execution_id}",
    )
