"""Who may run beside whom.

Executions with the same overlap key are counted while they are queued or running. Whoever adds one first takes a lock that
belongs to the key (PostgreSQL; SQLite has one writer anyway), so that two replicas never both see a free place. The locks
are spread over a fixed number of buckets: a tick that adds ten thousand keys takes a few dozen locks, always in the same
order. What must wait is `held`; the leader lets it go when a place is free (`release_held`), so that one place decides.
"""

import zlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.db.statements import dialect_of
from stationmaster.domains.executions.models import Execution, OverlapPolicy, Spec
from stationmaster.domains.executions.states import Reason, State

BUCKETS = 64
LOCK_SPACE = 7_401
"""First half of the advisory lock's number; keeps our locks apart from others in the same database."""
RELEASE_BATCH = 1000

executions = table_of(Execution)
specs = table_of(Spec)


@dataclass(slots=True)
class Proposal:
    """An execution about to be added: its columns, and the overlap rule of its spec. `admit` changes the columns."""

    row: dict[str, Any]
    policy: OverlapPolicy
    key: str | None
    max_running: int
    queue_max: int


@dataclass(slots=True)
class _Count:
    running: int = 0
    """Queued or running, and not held."""
    held: int = 0


async def admit(session: AsyncSession, proposals: Sequence[Proposal]) -> None:
    """Decide for each proposal, in order, whether it runs, waits, replaces or is skipped."""
    keyed = [proposal for proposal in proposals if proposal.key is not None]
    if not keyed:
        return
    keys = {proposal.key for proposal in keyed if proposal.key}
    await lock_keys(session, keys)
    counts = await _count(session, keys)
    replaced: set[str] = set()
    for proposal in keyed:
        assert proposal.key is not None
        _decide(proposal, counts[proposal.key], replaced)
    await _stop_replaced(session, replaced)


def _decide(proposal: Proposal, count: _Count, replaced: set[str]) -> None:
    row = proposal.row
    if proposal.policy is OverlapPolicy.SKIP and count.running + count.held >= proposal.max_running:
        _skip(row)
        return
    if count.running < proposal.max_running:
        count.running += 1
        return
    if proposal.policy is OverlapPolicy.QUEUE and count.held >= proposal.queue_max:
        _skip(row)
        return
    row["is_held"] = True
    count.held += 1
    if proposal.policy is OverlapPolicy.REPLACE and proposal.key:
        replaced.add(proposal.key)


def is_under_way() -> sa.ColumnElement[bool]:
    """Say in SQL that an attempt may have begun: it is running, or waits to be taken over."""
    return sa.or_(
        executions.c.state == State.RUNNING,
        sa.and_(executions.c.state == State.QUEUED, executions.c.handle.is_not(None)),
    )


def _skip(row: dict[str, Any]) -> None:
    row.update(state=State.SKIPPED, reason=Reason.OVERLAP, finished_at=row["queued_at"])


async def lock_keys(session: AsyncSession, keys: Collection[str]) -> None:
    """Let nobody else add executions with these keys until the transaction ends."""
    if dialect_of(session) == "sqlite":
        return
    buckets = sorted({zlib.crc32(key.encode()) % BUCKETS for key in keys})
    lock = sa.text("SELECT pg_advisory_xact_lock(:space, bucket) FROM unnest(CAST(:buckets AS int[])) AS bucket")
    await session.execute(lock, {"space": LOCK_SPACE, "buckets": buckets})


async def _count(session: AsyncSession, keys: Collection[str]) -> defaultdict[str, _Count]:
    counts: defaultdict[str, _Count] = defaultdict(_Count)
    statement = (
        sa.select(executions.c.overlap_key, executions.c.is_held, sa.func.count())
        .where(executions.c.overlap_key.in_(keys), executions.c.state.in_((State.QUEUED, State.RUNNING)))
        .group_by(executions.c.overlap_key, executions.c.is_held)
    )
    for key, is_held, number in await session.execute(statement):
        if is_held:
            counts[key].held = number
        else:
            counts[key].running = number
    return counts


async def _stop_replaced(session: AsyncSession, keys: Collection[str]) -> None:
    """Cancel what waits under these keys and ask what runs to stop. The newcomers are not in the table yet."""
    if not keys:
        return
    now = await database_now(session)
    mine = executions.c.overlap_key.in_(keys)
    await session.execute(
        sa.update(executions)
        .where(mine, executions.c.state == State.QUEUED, executions.c.handle.is_(None))
        .values(state=State.CANCELLED, reason=Reason.REPLACED, finished_at=now, is_held=False)
    )
    await session.execute(
        sa.update(executions)
        .where(mine, is_under_way(), executions.c.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now, reason=Reason.REPLACED)
    )
    notify(session, Wake.CANCEL)
    notify(session, Wake.ENDED)
    notify(session, Wake.TICK)


async def release_held(session: AsyncSession) -> int:
    """Let waiting executions go, oldest first, where their key has places again; return how many."""
    waiting = await _list_held(session)
    if not waiting:
        return 0
    keys = set(waiting)
    await lock_keys(session, keys)
    counts = await _count(session, keys)
    freed: list[UUID] = []
    for key, rows in waiting.items():
        freed += [id_ for id_, _ in rows[: max(0, rows[0][1] - counts[key].running)]]
    if freed:
        now = await database_now(session)
        await session.execute(
            sa.update(executions)
            .where(executions.c.id.in_(freed), executions.c.is_held)
            .values(is_held=False, available_at=now, turn_at=now)
        )
        notify(session, Wake.QUEUE)
    return len(freed)


async def _list_held(session: AsyncSession) -> dict[str, list[tuple[UUID, int]]]:
    statement = (
        sa.select(executions.c.overlap_key, executions.c.id, specs.c.max_running)
        .join(specs, specs.c.id == executions.c.spec_id)
        .where(executions.c.is_held)  # and so it is queued: whatever ends it clears the flag
        .order_by(executions.c.id)
        .limit(RELEASE_BATCH)
    )
    waiting: dict[str, list[tuple[UUID, int]]] = defaultdict(list)
    for key, id_, max_running in await session.execute(statement):
        waiting[key].append((id_, max_running))
    return waiting
