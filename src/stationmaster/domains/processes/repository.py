"""The statements about processes, steps and versions."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.domains.processes.models import Process, ProcessVersion, Step

steps = table_of(Step)


def list_statement(*, owner_id: UUID | None, name: str | None, is_deleted: bool) -> Any:
    """Select processes, newest first."""
    mark = col(Process.deleted_at)
    statement = select(Process).where(mark.is_not(None) if is_deleted else mark.is_(None))
    if owner_id is not None:
        statement = statement.where(Process.owner_id == owner_id)
    if name is not None:
        statement = statement.where(Process.name == name)
    return statement.order_by(col(Process.id).desc())


async def find_process(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Process | None:
    """Return a process, deleted or not; `for_update` keeps others from changing it until the transaction ends."""
    return await session.get(Process, id_, with_for_update={"key_share": True} if for_update else None)


async def find_reopening(session: AsyncSession) -> Process | None:
    """Return, locked, a restored process whose runs are still being taken on; one that somebody holds is left to them."""
    statement = select(Process).where(col(Process.reopening_after).is_not(None), col(Process.deleted_at).is_(None))
    found: Process | None = await session.scalar(
        statement.order_by(col(Process.id)).limit(1).with_for_update(key_share=True, skip_locked=True)
    )
    return found


async def find_by_name(session: AsyncSession, name: str) -> Process | None:
    statement = select(Process).where(Process.name == name, col(Process.deleted_at).is_(None))
    found: Process | None = await session.scalar(statement)
    return found


async def is_name_taken(session: AsyncSession, name: str, *, except_id: UUID | None = None) -> bool:
    found = await find_by_name(session, name)
    return found is not None and found.id != except_id


async def find_step(session: AsyncSession, id_: UUID) -> Step | None:
    return await session.get(Step, id_)


def steps_statement(process_id: UUID, *, is_rerunnable: bool | None = None) -> Any:
    """Select the steps of a process in their order; all, or only those that may be done again, or may not."""
    chosen = sa.true() if is_rerunnable is None else col(Step.is_rerunnable).is_(is_rerunnable)
    return (
        select(Step)
        .where(Step.process_id == process_id, col(Step.deleted_at).is_(None), chosen)
        .order_by(col(Step.index), col(Step.id))
    )


async def list_steps(session: AsyncSession, process_id: UUID) -> list[Step]:
    """Return the steps of a process in their order."""
    return list(await session.scalars(steps_statement(process_id)))


async def list_steps_of(session: AsyncSession, process_ids: Collection[UUID]) -> dict[UUID, list[Step]]:
    """Return the steps of several processes, read with one statement."""
    by_process: dict[UUID, list[Step]] = defaultdict(list)
    statement = (
        select(Step)
        .where(col(Step.process_id).in_(process_ids), col(Step.deleted_at).is_(None))
        .order_by(col(Step.index), col(Step.id))
    )
    for step in await session.scalars(statement):
        by_process[step.process_id].append(step)
    return by_process


async def renumber(session: AsyncSession, places: Sequence[tuple[UUID, int]]) -> None:
    """Give steps (id, index) their places, with one statement."""
    r = recordset(session, "places", {"id": sa.Uuid(), "index": sa.Integer()})
    rows = encode_rows(session, [{"id": id_, "index": index} for id_, index in places])
    statement = sa.update(steps).where(steps.c.id == r.c.id).values(index=r.c.index)
    await session.execute(statement, {"places": rows})


def versions_statement(process_id: UUID) -> Any:
    """Select the versions of a process, newest first."""
    return (
        select(ProcessVersion)
        .where(ProcessVersion.process_id == process_id)
        .order_by(col(ProcessVersion.number).desc())
    )


async def find_version(session: AsyncSession, process_id: UUID, number: int) -> ProcessVersion | None:
    statement = select(ProcessVersion).where(ProcessVersion.process_id == process_id, ProcessVersion.number == number)
    found: ProcessVersion | None = await session.scalar(statement)
    return found


async def find_retention(session: AsyncSession, process_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the months after which the runs of these processes are neutralised, where there are any."""
    statement = select(Process.id, Process.retention_months).where(
        col(Process.id).in_(process_ids), col(Process.retention_months).is_not(None)
    )
    return {id_: months for id_, months in await session.execute(statement) if months is not None}


async def find_names(session: AsyncSession) -> list[tuple[UUID, str]]:
    """Return id and name of all processes that are not deleted, by name."""
    statement = select(Process.id, Process.name).where(col(Process.deleted_at).is_(None)).order_by(Process.name)
    return [(id_, name) for id_, name in await session.execute(statement)]


async def find_all_retention(session: AsyncSession) -> dict[UUID, int]:
    """Return the months of every process that has them, deleted ones included."""
    statement = select(Process.id, Process.retention_months).where(col(Process.retention_months).is_not(None))
    return {id_: months for id_, months in await session.execute(statement) if months is not None}


async def list_deleted(session: AsyncSession, before: datetime) -> list[UUID]:
    """Return the processes that were deleted before an instant."""
    return list(await session.scalars(select(Process.id).where(col(Process.deleted_at) < before)))


async def delete_processes(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Delete processes for good, with their steps and versions."""
    await session.execute(sa.delete(Process).where(col(Process.id).in_(ids)))
