"""Recording and reading the tasks of executions."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.statements import insert_or_ignore
from stationmaster.domains.executions.external.models import ExternalTask, TaskState
from stationmaster.domains.executions.external.reference import TaskReference

external_tasks = table_of(ExternalTask)


async def add(session: AsyncSession, execution_id: UUID, attempt: int, tasks: Collection[TaskReference]) -> None:
    """Record tasks of an attempt; those that are known stay as they are."""
    if not tasks:
        return
    rows = [
        ExternalTask(execution_id=execution_id, attempt=attempt, kind=task.kind, task_id=task.task_id).model_dump()
        for task in tasks
    ]
    await session.execute(insert_or_ignore(session, external_tasks).values(rows))


async def count(session: AsyncSession, execution_id: UUID) -> int:
    """Count the tasks of an execution."""
    statement = sa.select(sa.func.count()).where(external_tasks.c.execution_id == execution_id)
    return await session.scalar(statement) or 0


async def list_of(session: AsyncSession, execution_ids: Collection[UUID]) -> dict[UUID, list[ExternalTask]]:
    """Return the tasks of executions in the order in which they were told of."""
    found: dict[UUID, list[ExternalTask]] = defaultdict(list)
    if execution_ids:
        statement = (
            select(ExternalTask)
            .where(col(ExternalTask.execution_id).in_(execution_ids))
            .order_by(col(ExternalTask.created_at), col(ExternalTask.kind), col(ExternalTask.task_id))
        )
        for task in await session.scalars(statement):
            found[task.execution_id].append(task)
    return found


async def forget_of(session: AsyncSession, execution_ids: Collection[UUID]) -> None:
    """Forget the tasks of executions, but for those that are being cancelled: they would go on."""
    await session.execute(
        sa.delete(external_tasks).where(
            external_tasks.c.execution_id.in_(execution_ids), external_tasks.c.state != TaskState.CANCELLING
        )
    )
