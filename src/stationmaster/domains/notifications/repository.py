"""The statements about inboxes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.statements import insert_or_ignore
from stationmaster.domains.notifications.models import Notification

NEUTRALIZED = "[NEUTRALIZED]"


async def insert(session: AsyncSession, entries: Sequence[Notification]) -> None:
    """Store entries; one that its reader has already is left out."""
    rows = [entry.model_dump() for entry in entries]
    await session.execute(insert_or_ignore(session, table_of(Notification)).values(rows))


def list_statement(
    user_id: UUID, *, unread_only: bool = False, start: datetime | None = None, end: datetime | None = None
) -> sa.Select[Notification]:
    """Make the SELECT of somebody's inbox, newest first."""
    which = _which(user_id, start, end)
    if unread_only:
        which.append(col(Notification.read_at).is_(None))
    return sa.select(Notification).where(*which).order_by(col(Notification.id).desc())


async def find(session: AsyncSession, user_id: UUID, id_: UUID, *, for_update: bool = False) -> Notification | None:
    statement = select(Notification).where(Notification.id == id_, Notification.user_id == user_id)
    found: Notification | None = await session.scalar(statement.with_for_update() if for_update else statement)
    return found


async def count_unread(
    session: AsyncSession, user_id: UUID, start: datetime | None = None, end: datetime | None = None
) -> int:
    is_unread = col(Notification.read_at).is_(None)
    statement = sa.select(sa.func.count()).select_from(Notification).where(*_which(user_id, start, end), is_unread)
    return await session.scalar(statement) or 0


async def mark_all_read(
    session: AsyncSession, user_id: UUID, now: datetime, start: datetime | None, end: datetime | None
) -> int:
    """Mark what is unread; return how many there were."""
    statement = (
        sa.update(Notification)
        .where(*_which(user_id, start, end), col(Notification.read_at).is_(None))
        .values(read_at=now)
        .returning(col(Notification.id))
    )
    return len((await session.execute(statement)).all())


async def delete_read(session: AsyncSession, user_id: UUID, start: datetime | None, end: datetime | None) -> int:
    """Delete what was read; return how many there were."""
    statement = (
        sa.delete(Notification)
        .where(*_which(user_id, start, end), col(Notification.read_at).is_not(None))
        .returning(col(Notification.id))
    )
    return len((await session.execute(statement)).all())


async def erase(session: AsyncSession, execution_ids: Collection[UUID]) -> None:
    """Take the words out of the entries about these executions."""
    emptied = {"title": NEUTRALIZED, "message": NEUTRALIZED}
    statement = sa.update(Notification).where(col(Notification.execution_id).in_(execution_ids)).values(emptied)
    await session.execute(statement)


async def list_since(
    session: AsyncSession, user_id: UUID, since: UUID, seen: Collection[UUID], *, limit: int
) -> list[Notification]:
    """Return what came into an inbox after an entry, oldest first, without what was seen."""
    statement = (
        select(Notification)
        .where(Notification.user_id == user_id, Notification.id > since, col(Notification.id).not_in(seen))
        .order_by(col(Notification.id))
        .limit(limit)
    )
    return list(await session.scalars(statement))


def _which(user_id: UUID, start: datetime | None, end: datetime | None) -> list[sa.ColumnElement[bool]]:
    which = [col(Notification.user_id) == user_id]
    if start is not None:
        which.append(col(Notification.created_at) >= start)
    if end is not None:
        which.append(col(Notification.created_at) < end)
    return which
