"""The one way into the queue, for slots and for requests alike."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from stationmaster.db.base import table_of
from stationmaster.db.notify import Wake, notify
from stationmaster.db.recordset import encode_rows, insert_rows, recordset
from stationmaster.db.statements import insert_or_ignore
from stationmaster.domains.executions.models import Execution, OverlapPolicy
from stationmaster.domains.executions.overlap import Proposal, admit
from stationmaster.domains.executions.queue import is_waiting
from stationmaster.domains.executions.states import Reason, State, Trigger
from stationmaster.kit.ids import new_id

TURN = timedelta(milliseconds=10)
"""Each further execution that an owner has queued stands this much later in line."""

executions = table_of(Execution)


class SpecFacts(Protocol):
    """What the queue needs to know of a spec: the row itself, or a row of a wider query that has these columns."""

    @property
    def kind(self) -> str: ...
    @property
    def host(self) -> str | None: ...
    @property
    def max_attempts(self) -> int: ...
    @property
    def overlap_policy(self) -> OverlapPolicy: ...
    @property
    def overlap_key(self) -> str | None: ...
    @property
    def max_running(self) -> int: ...
    @property
    def queue_max(self) -> int: ...
    @property
    def script_id(self) -> UUID | None: ...
    @property
    def script_name(self) -> str | None: ...


def propose(
    spec: SpecFacts,
    spec_id: UUID,
    *,
    trigger: Trigger,
    now: datetime,
    job_id: UUID | None = None,
    job_name: str | None = None,
    owner_id: UUID | None = None,
    **facts: Any,
) -> Proposal:
    """Make a proposal for one execution of `spec`; `facts` are further columns."""
    row = {
        "id": new_id(),
        "kind": spec.kind,
        "trigger": trigger,
        "state": State.QUEUED,
        "reason": None,
        "spec_id": spec_id,
        "job_id": job_id,
        "job_name": job_name,
        "script_id": spec.script_id,
        "script_name": spec.script_name,
        "owner_id": owner_id,
        "host": spec.host,
        "overlap_key": spec.overlap_key,
        "max_attempts": spec.max_attempts,
        "is_held": False,
        "queued_at": now,
        "available_at": now,
        "turn_at": now,
        "finished_at": None,
        "slot_count": 1,
        "attempt": 0,
        "crash_count": 0,
        "adopted_count": 0,
        "is_watched": False,
    } | facts
    return Proposal(row, spec.overlap_policy, spec.overlap_key, spec.max_running, spec.queue_max)


async def take_in(session: AsyncSession, proposals: Sequence[Proposal]) -> None:
    """Admit proposals by their overlap rules, give them their turn, and store them in one statement.

    A slot that is there already (same schedule, same instant) is left as it is.
    """
    if not proposals:
        return
    await admit(session, proposals)
    await _give_turns(session, [proposal.row for proposal in proposals])
    await insert_rows(session, executions, [proposal.row for proposal in proposals])
    notify(session, Wake.QUEUE)
    if any(proposal.row["is_watched"] and proposal.row["state"] is State.SKIPPED for proposal in proposals):
        notify(session, Wake.ENDED)


async def record_hindered(session: AsyncSession, proposal: Proposal, reason: Reason) -> None:
    """Store one execution that does not run, with the reason; who watches it is told."""
    proposal.row.update(state=State.SKIPPED, reason=reason, finished_at=proposal.row["queued_at"])
    await insert_rows(session, executions, [proposal.row])
    notify(session, Wake.ENDED)


async def _give_turns(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Place each owner's executions behind what that owner has queued already, so that others come in between."""
    owners = {row["owner_id"] for row in rows if row["state"] is State.QUEUED}
    last = await _last_turns(session, owners)
    for row in rows:
        if row["state"] is not State.QUEUED:
            continue
        before = last.get(row["owner_id"])
        row["turn_at"] = row["available_at"] if before is None else max(row["available_at"], before + TURN)
        last[row["owner_id"]] = row["turn_at"]


async def _last_turns(session: AsyncSession, owners: set[UUID | None]) -> dict[UUID | None, datetime]:
    statement = (
        sa.select(executions.c.owner_id, sa.func.max(executions.c.turn_at))
        .where(is_waiting(), executions.c.owner_id.in_(owners - {None}))
        .group_by(executions.c.owner_id)
    )
    return {row.owner_id: row[1] for row in await session.execute(statement)}


@dataclass(frozen=True, slots=True)
class SkippedRange:
    """Slots of a schedule that do not run: `count` of them from `first` to `last`."""

    id: UUID
    schedule_id: UUID
    job_id: UUID
    job_name: str
    owner_id: UUID | None
    spec_id: UUID
    kind: str
    first: datetime
    last: datetime
    count: int
    reason: Reason
    params: dict[str, Any] | None
    """Those of the first slot."""
    epoch: int | None
    script_id: UUID | None = None
    script_name: str | None = None


async def record_skipped(session: AsyncSession, ranges: Sequence[SkippedRange], now: datetime) -> None:
    """Store slots that do not run, one row for each range."""
    if ranges:
        await session.execute(insert_or_ignore(session, executions), [_skipped_row(one, now) for one in ranges])


def _skipped_row(one: SkippedRange, now: datetime) -> dict[str, Any]:
    row = asdict(one)
    first, last, count = row.pop("first"), row.pop("last"), row.pop("count")
    return row | {
        "trigger": Trigger.SCHEDULE,
        "state": State.SKIPPED,
        "scheduled_for": first,
        "slot_until": last if count > 1 else None,
        "slot_count": count,
        "is_held": False,
        "queued_at": now,
        "available_at": now,
        "turn_at": now,
        "finished_at": now,
        "attempt": 0,
        "max_attempts": 1,
        "crash_count": 0,
        "adopted_count": 0,
        "is_watched": False,
    }


async def extend_skipped(session: AsyncSession, grown: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Lengthen skipped ranges: rows of `id`, the new `last` slot and the `count` of slots to add."""
    if not grown:
        return
    r = recordset(session, "grown", {"id": sa.Uuid(), "last": UTCDateTime(), "count": sa.Integer()})
    statement = (
        sa.update(executions)
        .where(executions.c.id == r.c.id)
        .values(slot_until=r.c.last, slot_count=executions.c.slot_count + r.c.count, finished_at=now)
    )
    await session.execute(statement, {"grown": encode_rows(session, grown)})
