"""How the executions of people's jobs went in a span of time, for reports."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State

executions = table_of(Execution)


@dataclass(frozen=True)
class Tally:
    """How many executions of one job ended how."""

    owner_id: UUID
    job_name: str
    succeeded: int
    failed: int
    other: int


async def tally_by_owner(
    session: AsyncSession, owner_ids: Collection[UUID], start: datetime, end: datetime
) -> list[Tally]:
    """Count what was queued in a span and has ended, by owner and job, the most failures first."""
    failed = executions.c.state.in_([State.FAILED, State.TIMED_OUT, State.LOST])
    succeeded = executions.c.state == State.SUCCEEDED
    other = executions.c.state.in_([State.CANCELLED, State.SKIPPED])
    counts = [
        sa.func.count().filter(which).label(name) for which, name in ((succeeded, "s"), (failed, "f"), (other, "o"))
    ]
    statement = (
        sa.select(executions.c.owner_id, executions.c.job_name, *counts)
        .where(
            executions.c.queued_at >= start,
            executions.c.queued_at < end,
            executions.c.owner_id.in_(owner_ids),
            executions.c.job_name.is_not(None),
            sa.or_(failed, succeeded, other),
        )
        .group_by(executions.c.owner_id, executions.c.job_name)
        .order_by(executions.c.owner_id, counts[1].desc(), executions.c.job_name)
    )
    return [Tally(*row) for row in await session.execute(statement)]
