"""What becomes of work whose replica went away.

Runs on every replica, once a second; it is fenced by the expiry of the lease, so two that run at once do no harm.
It has now seen the death of three replicas -> failed (poison); it has a handle -> back to the queue, to be taken over: the
attempt goes on. Otherwise the attempt is recorded as lost, and then: the end was asked for -> cancelled; `on_lost: fail` ->
lost; else -> back to the queue, at its old place.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.executions.models import Attempt, Execution, OnLost, Spec
from stationmaster.domains.executions.states import Reason, State
from stationmaster.telemetry import metrics

POISON_CRASHES = 3
"""An execution that was running each of this many times a replica died is not tried again."""
BATCH = 1000
_RETURNED = ("id", "kind", "attempt", "worker", "attempt_started_at", "handle")
LOST_TEXT = (
    "The replica that worked on it went away, and the job says not to try again: whether it had an effect is unknown."
)
POISON_TEXT = f"It was under way each of {POISON_CRASHES} times a replica went away."

executions = table_of(Execution)
specs = table_of(Spec)


async def rescue(session: AsyncSession) -> int:
    """Take back what expired; return how many executions were touched."""
    now = await database_now(session)
    expired = _expired(now)
    on_lost = sa.select(specs.c.on_lost).where(specs.c.id == executions.c.spec_id).scalar_subquery()
    fate = _fate(on_lost)
    goes_on = sa.and_(executions.c.handle.is_not(None), ~_is_poison())
    statement = (
        sa.update(executions)
        .where(executions.c.id == expired.c.id)
        .values(
            state=fate(State.CANCELLED.value, State.LOST.value, State.FAILED.value, State.QUEUED.value),
            reason=fate(Reason.REQUESTED.value, Reason.LOST.value, Reason.POISON.value, None),
            error=fate(None, LOST_TEXT, POISON_TEXT, None),
            finished_at=fate(now, now, now, None),
            crash_count=executions.c.crash_count + sa.case((goes_on, 0), else_=1),
            adopted_count=executions.c.adopted_count + sa.case((goes_on, 1), else_=0),
            handle=sa.case((_is_poison(), sa.null()), else_=executions.c.handle),
            lease_token=None,
            lease_until=None,
        )
        .returning(*(executions.c[name] for name in _RETURNED))
    )
    rows = (await session.execute(statement)).all()
    lost = [_lost_attempt(row, now) for row in rows if row.handle is None]
    if lost:
        await session.execute(sa.insert(table_of(Attempt)), lost)
    if rows:
        notify(session, Wake.QUEUE)
        notify(session, Wake.ENDED)
    for row in rows:
        metrics.leases_rescued.labels(row.kind).inc()
    return len(rows)


def _fate(on_lost: sa.ScalarSelect[Any]) -> Any:
    """Return a function that makes a CASE over the four fates: cancelled, lost, poison, queued."""

    def choose(cancelled: object, lost: object, poison: object, queued: object) -> sa.Case[Any]:
        return sa.case(
            (sa.and_(executions.c.handle.is_not(None), _is_poison()), poison),
            (executions.c.handle.is_not(None), queued),
            (executions.c.cancel_requested_at.is_not(None), cancelled),
            (on_lost == OnLost.FAIL, lost),
            (_is_poison(), poison),
            else_=queued,
        )

    return choose


def _is_poison() -> sa.ColumnElement[bool]:
    """Has seen, with this one, too many replicas go away."""
    return executions.c.crash_count + executions.c.adopted_count + 1 >= POISON_CRASHES


def _expired(now: datetime) -> sa.CTE:
    return (
        sa.select(executions.c.id)
        .where(executions.c.state == State.RUNNING, executions.c.lease_until < now)
        .order_by(executions.c.lease_until)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )


def _lost_attempt(row: sa.Row[Any], now: datetime) -> dict[str, Any]:
    return {
        "execution_id": row.id,
        "number": row.attempt,
        "worker": row.worker,
        "state": State.LOST,
        "reason": Reason.LOST,
        "started_at": row.attempt_started_at,
        "finished_at": now,
    }
