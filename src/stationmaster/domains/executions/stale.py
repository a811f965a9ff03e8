"""Ending executions that nobody waits for any more: queued or under way for days, whatever keeps them so."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.overlap import is_under_way
from stationmaster.domains.executions.states import Reason, State

BATCH = 500

executions = table_of(Execution)


async def end_stale(session: AsyncSession, *, after: timedelta) -> int:
    """Cancel what has waited so long, and ask what runs so long to stop; return how many there were."""
    now = await database_now(session)
    waits = sa.and_(
        executions.c.state == State.QUEUED, executions.c.handle.is_(None), executions.c.available_at < now - after
    )
    runs = sa.and_(
        is_under_way(), executions.c.cancel_requested_at.is_(None), executions.c.attempt_started_at < now - after
    )
    error = f"It was neither done nor stopped within {after.total_seconds() / 86_400:g} days."
    ended = {"state": State.CANCELLED, "reason": Reason.EXPIRED, "error": error, "finished_at": now, "is_held": False}
    asked_to = {"cancel_requested_at": now, "reason": Reason.EXPIRED}
    returned = executions.c.id
    cancelled = await session.execute(sa.update(executions).where(_some(waits)).values(ended).returning(returned))
    asked = await session.execute(sa.update(executions).where(_some(runs)).values(asked_to).returning(returned))
    count = len(cancelled.all()) + len(asked.all())
    if count:
        for wake in (Wake.CANCEL, Wake.ENDED, Wake.TICK):
            notify(session, wake)
    return count


def _some(which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return executions.c.id.in_(sa.select(executions.c.id).where(which).limit(BATCH))
