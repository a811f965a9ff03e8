"""The statements about runs and step runs."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.statements import dialect_of, insert_or_ignore
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import RunStatus, StepStatus

runs = table_of(Run)
processes = table_of(Process)


def is_visible() -> sa.ColumnElement[bool]:
    """Say that neither the run nor its process is deleted."""
    gone = sa.select(processes.c.id).where(processes.c.deleted_at.is_not(None))
    return sa.and_(runs.c.deleted_at.is_(None), runs.c.process_id.not_in(gone))


async def lock_runs(session: AsyncSession, ids: Collection[UUID]) -> list[Run]:
    """Lock runs until the transaction ends and return them as they are now; whoever changes step runs does this first.

    In the order of their ids, so that two who want the same ones do not block each other.
    """
    await session.flush()
    statement = (
        select(Run)
        .where(col(Run.id).in_(ids))
        .order_by(col(Run.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def is_seen(session: AsyncSession, run: Run) -> bool:
    """Say whether a run is there for callers."""
    return run.deleted_at is None and await _has_process(session, run)


async def _has_process(session: AsyncSession, run: Run) -> bool:
    process = await session.get(Process, run.process_id)
    return process is not None and process.deleted_at is None


async def find_run(session: AsyncSession, id_: UUID) -> Run | None:
    """Return a run, deleted or not."""
    return await session.get(Run, id_)


async def find_by_key(session: AsyncSession, process_id: UUID, key: str) -> Run | None:
    statement = select(Run).where(Run.process_id == process_id, Run.key == key, col(Run.deleted_at).is_(None))
    found: Run | None = await session.scalar(statement)
    return found


async def find_newest(session: AsyncSession, process_id: UUID, entity_id: str) -> Run | None:
    """Return the newest run of an entity."""
    statement = (
        select(Run)
        .where(Run.process_id == process_id, Run.entity_id == entity_id, col(Run.deleted_at).is_(None))
        .order_by(col(Run.id).desc())
        .limit(1)
    )
    found: Run | None = await session.scalar(statement)
    return found


async def lock_entity(session: AsyncSession, process_id: UUID, entity_id: str) -> None:
    """Keep others from making a run for this entity until the transaction ends; SQLite has one writer anyway."""
    if dialect_of(session) == "postgresql":
        place = sa.func.hashtextextended(f"{process_id} {entity_id}", 0)
        await session.execute(sa.select(sa.func.pg_advisory_xact_lock(place)))


async def insert_run(session: AsyncSession, run: Run) -> bool:
    """Store a run, unless its key is taken; say whether it was stored."""
    facts = {column.name: getattr(run, column.name) for column in runs.columns}
    statement = insert_or_ignore(session, runs).values(facts).returning(runs.c.id)
    return (await session.scalar(statement)) is not None


async def find_step_run(session: AsyncSession, id_: UUID) -> StepRun | None:
    return await session.get(StepRun, id_)


async def refresh_step_run(session: AsyncSession, id_: UUID) -> StepRun:
    """Return a step run as it is now that its run is locked."""
    await session.flush()
    return await session.get_one(StepRun, id_, populate_existing=True)


def step_runs_statement(
    run_id: UUID, *, step_id: UUID | None, statuses: Collection[StepStatus], is_current: bool | None
) -> Any:
    """Select the step runs of a run in their order, each before its reruns."""
    statement = select(StepRun).where(StepRun.run_id == run_id)
    if step_id is not None:
        statement = statement.where(StepRun.step_id == step_id)
    if statuses:
        statement = statement.where(col(StepRun.status).in_(statuses))
    if is_current is not None:
        statement = statement.where(StepRun.is_current == is_current)
    return statement.order_by(col(StepRun.index), col(StepRun.id))


async def list_current(session: AsyncSession, run_id: UUID) -> list[StepRun]:
    """Return the current step runs of a run in their order."""
    return (await list_current_of(session, [run_id]))[run_id]


async def list_current_of(session: AsyncSession, run_ids: Collection[UUID]) -> dict[UUID, list[StepRun]]:
    """Return the current step runs of several runs, but those for single items, read with one statement."""
    await session.flush()
    by_run: dict[UUID, list[StepRun]] = defaultdict(list)
    statement = (
        select(StepRun)
        .where(col(StepRun.run_id).in_(run_ids), col(StepRun.is_current), col(StepRun.parent_id).is_(None))
        .order_by(col(StepRun.index), col(StepRun.id))
        .execution_options(populate_existing=True)
    )
    for step_run in await session.scalars(statement):
        by_run[step_run.run_id].append(step_run)
    return by_run


async def list_step_run_ids(session: AsyncSession, run_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return the ids of all step runs of these runs, those run again included."""
    by_run: dict[UUID, list[UUID]] = defaultdict(list)
    statement = select(StepRun.run_id, StepRun.id).where(col(StepRun.run_id).in_(run_ids))
    for run_id, id_ in await session.execute(statement):
        by_run[run_id].append(id_)
    return by_run


async def list_of_entity(session: AsyncSession, entity_id: str, *, limit: int) -> list[Run]:
    """Return the runs of an entity in all processes, deleted or not, the oldest first."""
    statement = select(Run).where(Run.entity_id == entity_id).order_by(col(Run.id)).limit(limit)
    return list(await session.scalars(statement))


async def list_all_step_runs(session: AsyncSession, run_ids: Collection[UUID]) -> list[StepRun]:
    """Return all step runs of these runs, those run again included."""
    statement = select(StepRun).where(col(StepRun.run_id).in_(run_ids)).order_by(col(StepRun.id))
    return list(await session.scalars(statement))


async def list_children(session: AsyncSession, parent_id: UUID) -> list[StepRun]:
    """Return the current step runs for the items of a step run, in the order of the items."""
    await session.flush()
    statement = (
        select(StepRun)
        .where(StepRun.parent_id == parent_id, col(StepRun.is_current))
        .order_by(col(StepRun.item_index))
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def find_runs_of(session: AsyncSession, step_run_ids: Collection[UUID]) -> set[UUID]:
    """Return the runs that these step runs belong to."""
    return set(await session.scalars(select(StepRun.run_id).where(col(StepRun.id).in_(step_run_ids))))


async def list_of_process(session: AsyncSession, step_run_ids: Collection[UUID], process_id: UUID) -> list[UUID]:
    """Return those of these step runs that belong to runs of a process which are not deleted."""
    statement = (
        select(StepRun.id)
        .join(Run, col(Run.id) == StepRun.run_id)
        .where(col(StepRun.id).in_(step_run_ids), Run.process_id == process_id, col(Run.deleted_at).is_(None))
    )
    return list(await session.scalars(statement))


async def list_open(session: AsyncSession, process_id: UUID, *, after: UUID, limit: int) -> list[UUID]:
    """Return the next runs of a process that have not been completed, cancelled by somebody, or deleted."""
    statement = (
        select(Run.id)
        .where(Run.process_id == process_id, Run.id > after)
        .where(col(Run.deleted_at).is_(None), col(Run.cancelled_at).is_(None), Run.status != RunStatus.COMPLETED)
        .order_by(col(Run.id))
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def list_overdue(session: AsyncSession, now: datetime, *, limit: int) -> list[UUID]:
    """Return the step runs about which somebody should have decided by now."""
    statement = (
        select(StepRun.id).where(col(StepRun.deadline_at) <= now).order_by(col(StepRun.deadline_at)).limit(limit)
    )
    return list(await session.scalars(statement))
