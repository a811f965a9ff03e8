"""The queue: every move of an execution between replicas, each one guarded statement.

`claim`, `renew`, `finish` (what becomes of an expired lease is in `rescue`). All take the database's clock, all name the
lease token, and all say by RETURNING which rows they moved: the rest belongs to somebody else. The caller commits.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from stationmaster.db.base import Json, table_of
from stationmaster.db.clock import database_instant
from stationmaster.db.field_kind import equals_choice
from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.domains.executions.models import Attempt, Breaker, Execution
from stationmaster.domains.executions.states import Reason, State

executions = table_of(Execution)
attempts = table_of(Attempt)
breakers = table_of(Breaker)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A queued execution whose turn it is, locked until the transaction ends."""

    id: UUID
    host: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """An execution that is ours until the lease runs out; its attempt has begun."""

    id: UUID
    token: UUID
    claimed_at: datetime
    started_at: datetime
    """When the attempt began; earlier than it was claimed when it was taken over."""
    first_started_at: datetime
    spec_id: UUID
    number: int
    """Of this attempt, from 1."""
    max_attempts: int
    crash_count: int
    """How many earlier attempts ended because their replica went away; they do not count against `max_attempts`."""
    host: str | None
    scheduled_for: datetime | None
    available_at: datetime
    kind: str


_CLAIMED_COLUMNS = (
    "attempt_started_at", "started_at", "spec_id", "attempt", "max_attempts", "crash_count", "host",
    "scheduled_for", "available_at", "kind",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended, ready to be written. `state` is terminal, or `queued` for another try at `available_at`."""

    id: UUID
    token: UUID
    number: int
    state: State
    attempt_state: State
    reason: Reason | None
    started_at: datetime
    finished_at: datetime
    duration_seconds: float | None = None
    available_at: datetime | None = None
    response_status: int | None = None
    error: str | None = None
    result: dict[str, Any] | None = None


_RESULT_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Uuid(),
    "token": sa.Uuid(),
    "number": sa.Integer(),
    "state": sa.Text(),
    "attempt_state": sa.Text(),
    "reason": sa.Text(),
    "started_at": UTCDateTime(),
    "finished_at": UTCDateTime(),
    "duration_seconds": sa.Float(),
    "available_at": UTCDateTime(),
    "response_status": sa.Integer(),
    "error": sa.Text(),
    "result": Json,
}


def is_waiting() -> sa.ColumnElement[bool]:
    """Say that it may be claimed when its time has come; in the words of the index by turn."""
    return sa.and_(equals_choice(executions.c.state, State.QUEUED), ~executions.c.is_held)


async def list_candidates(session: AsyncSession, *, limit: int, full_hosts: Collection[str]) -> list[Candidate]:
    """Lock up to `limit` executions whose turn it is, none of a host in `full_hosts` or behind a shut gate."""
    is_shut = sa.exists().where(breakers.c.host == executions.c.host, breakers.c.open_until.is_not(None))
    may_call = sa.and_(executions.c.host.not_in(full_hosts), ~is_shut)
    return await _lock(session, sa.or_(executions.c.host.is_(None), may_call), limit)


async def list_probe(session: AsyncSession, host: str) -> list[Candidate]:
    """Lock the one execution that may try whether a shut host answers again."""
    return await _lock(session, executions.c.host == host, 1)


async def _lock(session: AsyncSession, may_run: sa.ColumnElement[bool], limit: int) -> list[Candidate]:
    now = database_instant(session)
    statement = (
        sa.select(executions.c.id, executions.c.host)
        .where(
            is_waiting(),
            executions.c.available_at <= now,
            may_run,
        )
        .order_by(executions.c.turn_at, executions.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Candidate(*row) for row in await session.execute(statement)]


async def claim(
    session: AsyncSession, ids: Collection[UUID], *, worker: str, token: UUID, lease: timedelta
) -> list[Claimed]:
    """Make locked candidates ours and begin their attempts; an effect is possible as soon as this is committed.

    What has a handle was begun already, by a replica that went away: that attempt goes on, under its number.
    """
    now = database_instant(session)
    goes_on = executions.c.handle.is_not(None)
    r = recordset(session, "ids", {"id": sa.Uuid()})
    statement = (
        sa.update(executions)
        .where(executions.c.id == r.c.id, executions.c.state == State.QUEUED)
        .values(
            state=State.RUNNING,
            reason=None,
            error=None,
            worker=worker,
            lease_token=token,
            lease_until=database_instant(session, after=lease),
            attempt=executions.c.attempt + sa.case((goes_on, 0), else_=1),
            attempt_started_at=sa.case((goes_on, executions.c.attempt_started_at), else_=now),
            started_at=sa.func.coalesce(executions.c.started_at, now),
        )
        .returning(
            executions.c.id,
            executions.c.lease_token,
            now.label("claimed_at"),
            *(executions.c[name] for name in _CLAIMED_COLUMNS),
        )
    )
    rows = await session.execute(statement, {"ids": encode_rows(session, [{"id": id_} for id_ in ids])})
    return [Claimed(*row) for row in rows]


async def renew(session: AsyncSession, *, tokens: Collection[UUID], lease: timedelta) -> dict[UUID, bool]:
    """Renew all leases of these tokens; return each execution that is still ours and whether its end was asked for."""
    statement = (
        sa.update(executions)
        .where(executions.c.lease_token.in_(tokens), executions.c.state == State.RUNNING)
        .values(lease_until=database_instant(session, after=lease))
        .returning(executions.c.id, executions.c.cancel_requested_at)
    )
    return {id_: requested_at is not None for id_, requested_at in await session.execute(statement)}


async def find_cancelled(session: AsyncSession, tokens: Collection[UUID]) -> set[UUID]:
    """Return those of our executions whose end was asked for."""
    statement = sa.select(executions.c.id).where(
        executions.c.lease_token.in_(tokens),
        executions.c.state == State.RUNNING,
        executions.c.cancel_requested_at.is_not(None),
    )
    return set((await session.scalars(statement)).all())


async def finish(session: AsyncSession, results: Sequence[Result], *, worker: str) -> dict[UUID, bool]:
    """Write how attempts ended, all in one statement each for executions and attempts.

    Return the ids that were ours, and whether somebody watches them. A further try that was meanwhile asked to stop becomes
    `cancelled`.
    """
    rows = encode_rows(session, [_row(result) for result in results])
    ended = await session.execute(_finish_statement(session), {"results": rows})
    written: dict[UUID, bool] = {row.id: row.is_watched for row in ended}
    if len(written) < len(results):
        rows = encode_rows(session, [_row(result) for result in results if result.id in written])
    if written:
        await session.execute(_attempts_statement(session), {"results": rows, "worker": worker})
    return written


def _row(result: Result) -> dict[str, Any]:
    return {name: getattr(result, name) for name in _RESULT_COLUMNS}


def _attempts_statement(session: AsyncSession) -> Any:
    """Insert the ended attempts from the very rows by which the executions were finished."""
    r = recordset(session, "results", _RESULT_COLUMNS)
    values = {
        "execution_id": r.c.id,
        "number": r.c.number,
        "worker": sa.bindparam("worker", type_=sa.Text),
        "state": r.c.attempt_state,
        "reason": r.c.reason,
        "started_at": r.c.started_at,
        "finished_at": r.c.finished_at,
        "response_status": r.c.response_status,
        "error": r.c.error,
        "retry_at": r.c.available_at,
    }
    return sa.insert(attempts).from_select(list(values), sa.select(*values.values()))


def _finish_statement(session: AsyncSession) -> Any:
    r = recordset(session, "results", _RESULT_COLUMNS)
    again = r.c.state == State.QUEUED.value
    stop = sa.and_(again, executions.c.cancel_requested_at.is_not(None))
    is_lost = sa.and_(again, r.c.attempt_state == State.LOST.value)
    is_cancelled = sa.or_(stop, r.c.state == State.CANCELLED.value)
    return (
        sa.update(executions)
        .where(
            executions.c.id == r.c.id,
            executions.c.lease_token == r.c.token,
            executions.c.attempt == r.c.number,
            executions.c.state == State.RUNNING,
        )
        .values(
            state=sa.case((stop, State.CANCELLED.value), else_=r.c.state),
            reason=sa.case(
                (is_cancelled, sa.func.coalesce(executions.c.reason, Reason.REQUESTED.value)), else_=r.c.reason
            ),
            response_status=r.c.response_status,
            error=r.c.error,
            result=r.c.result,
            finished_at=sa.case((sa.and_(again, ~stop), sa.null()), else_=r.c.finished_at),
            duration_seconds=r.c.duration_seconds,
            available_at=sa.func.coalesce(r.c.available_at, executions.c.available_at),
            turn_at=sa.func.coalesce(r.c.available_at, executions.c.turn_at),
            crash_count=executions.c.crash_count + sa.case((is_lost, 1), else_=0),
            lease_token=None,
            lease_until=None,
            handle=None,
        )
        .returning(executions.c.id, executions.c.is_watched)
    )


async def hand_back(session: AsyncSession, tokens: Collection[UUID]) -> None:
    """Put what others can take over back into the queue, at the front: it goes on without us."""
    now = database_instant(session)
    await session.execute(
        sa.update(executions)
        .where(
            executions.c.lease_token.in_(tokens), executions.c.state == State.RUNNING, executions.c.handle.is_not(None)
        )
        .values(state=State.QUEUED, available_at=now, turn_at=now, lease_token=None, lease_until=None)
    )


async def expire(session: AsyncSession, tokens: Collection[UUID]) -> None:
    """End our leases now, so that others need not wait for them to run out."""
    now = database_instant(session)
    await session.execute(
        sa.update(executions)
        .where(executions.c.lease_token.in_(tokens), executions.c.state == State.RUNNING)
        .values(lease_until=now)
    )
