"""The statements of journals: write a batch for many executions, forget the middle of a long one, read on from a number."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import Json, table_of
from stationmaster.db.clock import database_instant
from stationmaster.db.recordset import encode_rows, insert_rows, recordset
from stationmaster.db.statements import insert_into
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State

executions = table_of(Execution)
journals = table_of(Journal)
chunks = table_of(JournalChunk)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an attempt has come: what executions show of it."""

    id: UUID
    token: UUID
    attempt: int
    progress: float | None
    stage: str | None


_STANDING_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Uuid(),
    "token": sa.Uuid(),
    "attempt": sa.Integer(),
    "progress": sa.Float(),
    "stage": sa.Text(),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """What one attempt said since the batch before. `dropped` entries were said before these and are not kept."""

    execution_id: UUID
    token: UUID
    attempt: int
    number: int
    body: str
    entries: int
    lines: int
    dropped: int = 0
    consumed: Mapping[str, int] | None = None
    result: Mapping[str, Any] | None = None
    standing: Standing | None = None
    externals: tuple[tuple[str, str], ...] = ()
    """System and task of work that must end with the attempt."""

    @property
    def size_bytes(self) -> int:
        return len(self.body.encode()) if self.entries else 0


@dataclass(frozen=True, slots=True)
class Written:
    """How a journal stands after a batch."""

    last_sequence: int
    size_bytes: int


_BATCH_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "execution_id": sa.Uuid(),
    "token": sa.Uuid(),
    "attempt": sa.Integer(),
    "number": sa.Integer(),
    "entries": sa.BigInteger(),
    "dropped": sa.BigInteger(),
    "size_bytes": sa.BigInteger(),
    "consumed": Json,
    "result": Json,
}


async def write(session: AsyncSession, batches: Sequence[Batch]) -> dict[UUID, Written]:
    """Store batches; return how the journals stand of those whose attempts are still ours and had not stored theirs."""
    sizes = {batch.execution_id: batch.size_bytes for batch in batches}
    rows = [
        {name: getattr(batch, name) for name in _BATCH_COLUMNS if name != "size_bytes"}
        | {"size_bytes": sizes[batch.execution_id]}
        for batch in batches
    ]
    moved = await session.execute(_advance_statement(session), {"batches": encode_rows(session, rows)})
    written = {id_: Written(last, size) for id_, last, size in moved}
    kept = [
        {
            "execution_id": batch.execution_id,
            "first_sequence": written[batch.execution_id].last_sequence - batch.entries + 1,
            "last_sequence": written[batch.execution_id].last_sequence,
            "attempt": batch.attempt,
            "lines": batch.lines,
            "size_bytes": sizes[batch.execution_id],
            "body": batch.body,
        }
        for batch in batches
        if batch.entries and batch.execution_id in written
    ]
    if kept:
        await insert_rows(session, chunks, kept)
    return written


def _advance_statement(session: AsyncSession) -> Any:
    """Give out the numbers, and remember how far the source is read.

    Only for attempts that are still ours, and only for a batch that is not stored yet.
    """
    r = recordset(session, "batches", _BATCH_COLUMNS)
    values = {
        "execution_id": r.c.execution_id,
        "attempt": r.c.attempt,
        "batch": r.c.number,
        "last_sequence": r.c.entries + r.c.dropped,
        "size_bytes": r.c.size_bytes,
        "forgotten": r.c.dropped,
        "consumed": r.c.consumed,
        "result": r.c.result,
        "updated_at": database_instant(session),
    }
    is_ours = sa.and_(
        executions.c.id == r.c.execution_id,
        executions.c.lease_token == r.c.token,
        executions.c.attempt == r.c.attempt,
        executions.c.state == State.RUNNING,
    )
    statement = insert_into(session, journals).from_select(
        list(values), sa.select(*values.values()).select_from(sa.join(r, executions, is_ours)).where(sa.true())
    )
    new = statement.excluded
    is_later = sa.or_(journals.c.attempt < new.attempt, journals.c.batch < new.batch)
    is_same_attempt = journals.c.attempt == new.attempt
    return statement.on_conflict_do_update(
        index_elements=[journals.c.execution_id],
        set_={
            "attempt": new.attempt,
            "batch": new.batch,
            "last_sequence": journals.c.last_sequence + new.last_sequence,
            "size_bytes": journals.c.size_bytes + new.size_bytes,
            "forgotten": journals.c.forgotten + new.forgotten,
            "consumed": new.consumed,
            "result": sa.case((is_same_attempt, sa.func.coalesce(new.result, journals.c.result)), else_=new.result),
            "updated_at": new.updated_at,
        },
        where=is_later,
    ).returning(journals.c.execution_id, journals.c.last_sequence, journals.c.size_bytes)


async def show_standings(session: AsyncSession, standings: Sequence[Standing]) -> None:
    """Write progress and stage into executions whose attempts are still ours."""
    r = recordset(session, "standings", _STANDING_COLUMNS)
    statement = (
        sa.update(executions)
        .where(
            executions.c.id == r.c.id,
            executions.c.lease_token == r.c.token,
            executions.c.attempt == r.c.attempt,
            executions.c.state == State.RUNNING,
        )
        .values(
            progress=sa.func.coalesce(r.c.progress, executions.c.progress),
            stage=sa.func.coalesce(r.c.stage, executions.c.stage),
        )
    )
    rows = [{name: getattr(standing, name) for name in _STANDING_COLUMNS} for standing in standings]
    await session.execute(statement, {"standings": encode_rows(session, rows)})


async def find_journal(session: AsyncSession, execution_id: UUID) -> sa.Row[Any] | None:
    """Return the row of an execution's journal, if it said anything."""
    return (await session.execute(sa.select(journals).where(journals.c.execution_id == execution_id))).one_or_none()


async def find_stored(session: AsyncSession, batches: Sequence[Batch]) -> dict[UUID, Written]:
    """Return how the journals stand that have these batches already."""
    known = {batch.execution_id: (batch.attempt, batch.number) for batch in batches}
    statement = sa.select(journals).where(journals.c.execution_id.in_(known))
    return {
        row.execution_id: Written(row.last_sequence, row.size_bytes)
        for row in await session.execute(statement)
        if (row.attempt, row.batch) == known[row.execution_id]
    }


async def forget_middle(session: AsyncSession, execution_id: UUID, *, head_bytes: int, tail_bytes: int) -> None:
    """Delete the chunks that are neither in the first nor in the last so many bytes."""
    statement = (
        sa.select(chunks.c.first_sequence, chunks.c.last_sequence, chunks.c.size_bytes)
        .where(chunks.c.execution_id == execution_id)
        .order_by(chunks.c.first_sequence)
    )
    known = list(await session.execute(statement))
    first, last = _middle([size for _, _, size in known], head_bytes, tail_bytes)
    middle = known[first:last]
    if not middle:
        return
    await session.execute(
        sa.delete(chunks).where(
            chunks.c.execution_id == execution_id,
            chunks.c.first_sequence.between(middle[0].first_sequence, middle[-1].first_sequence),
        )
    )
    await session.execute(
        sa.update(journals)
        .where(journals.c.execution_id == execution_id)
        .values(
            size_bytes=journals.c.size_bytes - sum(row.size_bytes for row in middle),
            forgotten=journals.c.forgotten + sum(row.last_sequence - row.first_sequence + 1 for row in middle),
        )
    )


def _middle(sizes: Sequence[int], head_bytes: int, tail_bytes: int) -> tuple[int, int]:
    first, taken = 0, 0
    while first < len(sizes) and taken + sizes[first] <= head_bytes:
        taken += sizes[first]
        first += 1
    last, taken = len(sizes), 0
    while last > first and taken + sizes[last - 1] <= tail_bytes:
        last -= 1
        taken += sizes[last]
    return first, last


async def read_chunks(session: AsyncSession, execution_id: UUID, *, after: int, limit: int) -> list[sa.Row[Any]]:
    """Return up to `limit` chunks that have entries behind the number `after`, in order."""
    # The chunk that has the number is found by the key; those before it are never looked at.
    nearest = sa.select(sa.func.max(chunks.c.first_sequence)).where(
        chunks.c.execution_id == execution_id, chunks.c.first_sequence <= after
    )
    statement = (
        sa.select(chunks)
        .where(
            chunks.c.execution_id == execution_id,
            chunks.c.first_sequence >= sa.func.coalesce(nearest.scalar_subquery(), 0),
            chunks.c.last_sequence > after,
        )
        .order_by(chunks.c.first_sequence)
        .limit(limit)
    )
    return list(await session.execute(statement))


async def read_last_chunks(session: AsyncSession, ids: Collection[UUID], *, lines: int) -> list[sa.Row[Any]]:
    """Return the last chunks of several executions, in order: as many as hold so many lines."""
    behind = (
        sa.func.sum(chunks.c.lines)
        .over(partition_by=chunks.c.execution_id, order_by=chunks.c.first_sequence.desc())
        .label("behind")
    )
    ranked = sa.select(chunks.c.execution_id, chunks.c.first_sequence, chunks.c.lines, behind).where(
        chunks.c.execution_id.in_(ids)
    )
    r = ranked.subquery()
    is_chosen = sa.and_(chunks.c.execution_id == r.c.execution_id, chunks.c.first_sequence == r.c.first_sequence)
    statement = (
        sa.select(chunks)
        .join(r, is_chosen)
        .where(r.c.behind - r.c.lines < lines)
        .order_by(chunks.c.execution_id, chunks.c.first_sequence)
    )
    return list(await session.execute(statement))
