"""The statements about calendars."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.domains.jobs.calendars.models import Calendar, ScheduleCalendar
from stationmaster.domains.jobs.models import Schedule

links = table_of(ScheduleCalendar)


def list_statement() -> Any:
    """Select calendars by their name."""
    return select(Calendar).order_by(col(Calendar.name), col(Calendar.id))


async def find(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Calendar | None:
    """Return a calendar; `for_update` keeps others from changing it until the transaction ends."""
    lock = {"key_share": True} if for_update else None
    return await session.get(Calendar, id_, with_for_update=lock, populate_existing=for_update)


async def is_name_taken(session: AsyncSession, name: str, *, except_id: UUID | None = None) -> bool:
    found = await session.scalar(select(Calendar.id).where(Calendar.name == name))
    return found is not None and found != except_id


async def list_named(session: AsyncSession, names: Collection[str]) -> list[Calendar]:
    return list(await session.scalars(list_statement().where(col(Calendar.name).in_(names))))


async def list_all(session: AsyncSession) -> list[Calendar]:
    return list(await session.scalars(list_statement()))


async def count_uses(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, int]:
    """Count the schedules that leave out the times of these calendars."""
    statement = (
        sa.select(links.c.calendar_id, sa.func.count().label("uses"))
        .where(links.c.calendar_id.in_(ids))
        .group_by(links.c.calendar_id)
    )
    return {row.calendar_id: row.uses for row in await session.execute(statement)}


async def list_job_ids(session: AsyncSession, calendar_id: UUID) -> list[UUID]:
    """Return the jobs with schedules that leave out the times of a calendar."""
    statement = (
        sa.select(col(Schedule.job_id))
        .join(links, links.c.schedule_id == col(Schedule.id))
        .where(links.c.calendar_id == calendar_id)
        .distinct()
        .order_by(col(Schedule.job_id))
    )
    return list(await session.scalars(statement))


async def list_of_schedule(session: AsyncSession, schedule_id: UUID) -> list[Calendar]:
    statement = list_statement().join(links, links.c.calendar_id == col(Calendar.id))
    return list(await session.scalars(statement.where(links.c.schedule_id == schedule_id)))


async def replace_links(session: AsyncSession, schedule_id: UUID, calendar_ids: Collection[UUID]) -> None:
    await session.execute(sa.delete(links).where(links.c.schedule_id == schedule_id))
    if calendar_ids:
        rows = [{"schedule_id": schedule_id, "calendar_id": id_} for id_ in calendar_ids]
        await session.execute(sa.insert(links), rows)
