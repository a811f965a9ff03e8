"""Reading jobs and schedules."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.domains.jobs.listing import JobFilters
from stationmaster.domains.jobs.models import Job, Schedule


def list_statement(filters: JobFilters, now: datetime) -> Any:
    """Select jobs, newest first."""
    statement = select(Job)
    for name in ("owner_id", "category_id", "team_id", "is_active"):
        if (value := getattr(filters, name)) is not None:
            statement = statement.where(getattr(Job, name) == value)
    if filters.is_paused is not None:
        pauses = sa.and_(
            col(Job.paused_at).is_not(None), sa.or_(col(Job.paused_until).is_(None), col(Job.paused_until) > now)
        )
        statement = statement.where(pauses if filters.is_paused else ~pauses)
    return statement.order_by(col(Job.id).desc())


async def find_job(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Job | None:
    """Return a job; `for_update` keeps others from changing it until the transaction ends."""
    return await session.get(Job, id_, with_for_update={"key_share": True} if for_update else None)


async def find_existing(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that there are jobs of."""
    return set(await session.scalars(select(Job.id).where(col(Job.id).in_(ids))))


async def is_name_taken(session: AsyncSession, name: str, *, except_id: UUID | None = None) -> bool:
    found = await session.scalar(select(Job.id).where(Job.name == name))
    return found is not None and found != except_id


async def find_schedule(session: AsyncSession, job_id: UUID, id_: UUID, *, for_update: bool = False) -> Schedule | None:
    """Return a schedule of this job; `for_update` keeps the tick from moving it until the transaction ends."""
    statement = select(Schedule).where(Schedule.id == id_, Schedule.job_id == job_id)
    found: Schedule | None = await session.scalar(_locked(statement) if for_update else statement)
    return found


def schedules_statement(job_id: UUID) -> Any:
    """Select the schedules of a job in the order they were made."""
    return select(Schedule).where(Schedule.job_id == job_id).order_by(col(Schedule.id))


async def list_schedules(session: AsyncSession, job_id: UUID, *, for_update: bool = False) -> list[Schedule]:
    """Return the schedules of a job; `for_update` keeps the tick from moving them until the transaction ends."""
    statement = schedules_statement(job_id)
    return list(await session.scalars(_locked(statement) if for_update else statement))


async def list_schedules_of(session: AsyncSession, job_ids: Collection[UUID]) -> dict[UUID, list[Schedule]]:
    """Return the schedules of several jobs, read with one statement."""
    by_job: dict[UUID, list[Schedule]] = defaultdict(list)
    statement = select(Schedule).where(col(Schedule.job_id).in_(job_ids)).order_by(col(Schedule.id))
    for schedule in await session.scalars(statement):
        by_job[schedule.job_id].append(schedule)
    return by_job


def _locked(statement: Any) -> Any:
    """Lock the rows, and read them as they are now, also those that the session has seen before."""
    return statement.with_for_update().execution_options(populate_existing=True)


async def list_all(session: AsyncSession) -> list[Job]:
    """Return every job, by name."""
    return list(await session.scalars(select(Job).order_by(col(Job.name))))


async def find_by_name(session: AsyncSession, name: str) -> Job | None:
    found: Job | None = await session.scalar(select(Job).where(Job.name == name))
    return found
