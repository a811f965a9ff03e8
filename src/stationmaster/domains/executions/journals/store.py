"""The statements by which journals are written: a batch for many executions, or what is reported for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import Json, table_of
from stationmaster.db.clock import database_instant
from stationmaster.db.recordset import encode_rows, insert_rows, recordset
from stationmaster.db.statements import insert_into
from stationmaster.domains.executions.external import tasks
from stationmaster.domains.executions.external.reference import TaskReference
from stationmaster.domains.executions.journals import masks
from stationmaster.domains.executions.journals.entry import Kind, Run, encode
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.kit.sealing import Sealer

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
    tasks: Sequence[TaskReference] = ()
    """Work elsewhere that the attempt told of."""
    masks: Sequence[str] | None = None
    """All that must be hidden by now; None when that is as it was."""

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
    "masks": sa.Text(),
}


async def write(session: AsyncSession, sealer: Sealer, batches: Sequence[Batch]) -> dict[UUID, Written]:
    """Store batches; return how the journals stand of those whose attempts are still ours and had not stored theirs."""
    sizes = {batch.execution_id: batch.size_bytes for batch in batches}
    rows = [
        {name: getattr(batch, name) for name in _BATCH_COLUMNS if name != "size_bytes"}
        | {"size_bytes": sizes[batch.execution_id]}
        | {"masks": masks.seal(sealer, batch.execution_id, batch.masks) if batch.masks is not None else None}
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
    for batch in batches:
        if batch.tasks and batch.execution_id in written:
            await tasks.add(session, batch.execution_id, batch.attempt, batch.tasks)
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
        "masks": r.c.masks,
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
    kept_masks = sa.func.coalesce(new.masks, journals.c.masks)
    return statement.on_conflict_do_update(
        index_elements=[journals.c.execution_id],
        set_={
            "attempt": new.attempt,
            "batch": new.batch,
            "last_sequence": journals.c.last_sequence + new.last_sequence,
            "size_bytes": journals.c.size_bytes + new.size_bytes,
            "forgotten": journals.c.forgotten + new.forgotten,
            "consumed": new.consumed,
            "masks": sa.func.nullif(sa.case((is_same_attempt, kept_masks), else_=new.masks), ""),
            "result": sa.case((is_same_attempt, sa.func.coalesce(new.result, journals.c.result)), else_=new.result),
            "updated_at": new.updated_at,
        },
        where=is_later,
    ).returning(journals.c.execution_id, journals.c.last_sequence, journals.c.size_bytes)


async def add(
    session: AsyncSession, execution_id: UUID, attempt: int, runs: Sequence[Run], *, result: Mapping[str, Any] | None
) -> Written | None:
    """Store entries that do not come from the attempt's source; None when the attempt does not run."""
    body = encode(runs)
    entries = sum(len(run.values) for run in runs)
    size = len(body.encode()) if entries else 0
    facts = {"last_sequence": sa.literal(entries, sa.BigInteger), "size_bytes": sa.literal(size, sa.BigInteger)}
    facts["result"] = sa.literal(dict(result) if result is not None else None, Json)
    row = (await session.execute(_add_statement(session, execution_id, attempt, facts))).one_or_none()
    if row is not None and entries:
        chunk = {
            "execution_id": execution_id,
            "first_sequence": row.last_sequence - entries + 1,
            "last_sequence": row.last_sequence,
            "attempt": attempt,
            "lines": sum(len(run.values) for run in runs if run.kind is Kind.OUTPUT),
            "size_bytes": size,
            "body": body,
        }
        await session.execute(sa.insert(chunks).values(chunk))
    return Written(row.last_sequence, row.size_bytes) if row is not None else None


def _add_statement(session: AsyncSession, execution_id: UUID, attempt: int, facts: Mapping[str, Any]) -> Any:
    values = {
        "execution_id": executions.c.id,
        "attempt": executions.c.attempt,
        "batch": sa.literal(0),
        "forgotten": sa.literal(0, sa.BigInteger),
        "consumed": sa.literal({}, Json),
        "updated_at": database_instant(session),
        **facts,
    }
    is_running = sa.and_(
        executions.c.id == execution_id, executions.c.attempt == attempt, executions.c.state == State.RUNNING
    )
    statement = insert_into(session, journals).from_select(list(values), sa.select(*values.values()).where(is_running))
    new, is_same = statement.excluded, journals.c.attempt == statement.excluded.attempt
    return statement.on_conflict_do_update(
        index_elements=[journals.c.execution_id],
        set_={
            "attempt": new.attempt,
            "batch": sa.case((is_same, journals.c.batch), else_=0),
            "last_sequence": journals.c.last_sequence + new.last_sequence,
            "size_bytes": journals.c.size_bytes + new.size_bytes,
            "consumed": sa.case((is_same, journals.c.consumed), else_=new.consumed),
            "masks": sa.case((is_same, journals.c.masks), else_=sa.null()),
            "result": sa.case((is_same, sa.func.coalesce(new.result, journals.c.result)), else_=new.result),
            "updated_at": new.updated_at,
        },
    ).returning(journals.c.last_sequence, journals.c.size_bytes)


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
