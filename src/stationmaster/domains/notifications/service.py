"""What others may ask of notifications: to tell, and to look after an inbox."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.notifications import repository
from stationmaster.domains.notifications.audience import Addressee, Telling
from stationmaster.domains.notifications.channels.registry import POSTS
from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.notice import Notice
from stationmaster.domains.outbox import service as outbox
from stationmaster.domains.users import preferences
from stationmaster.errors import NotFound


async def tell(
    session: AsyncSession,
    notice: Notice,
    *,
    users: Iterable[UUID] = (),
    emails: Iterable[str] = (),
    slack_mention: str | None = None,
) -> None:
    """Tell something, in this transaction: to people (those who are active, by their preferences) and to addresses.

    What concerns the place, and not one person alone, goes to its Slack channel and its webhook too, where they are set up;
    `slack_mention` is whom to call there, such as `@team-data` or a group's id. Telling the same `dedupe_key` again reaches
    only those who have not been told.
    """
    told = await preferences.find_told(session, frozenset(users))
    people = [Addressee(user.id, user.email, wishes) for user, wishes in told]
    telling = Telling(notice, people, tuple(dict.fromkeys(emails)), slack_mention)
    for post in POSTS:
        await post(session, telling)


def list_statement(
    user_id: UUID, *, unread_only: bool, start: datetime | None, end: datetime | None
) -> sa.Select[Notification]:
    """Make the SELECT of somebody's inbox, for a page of it."""
    return repository.list_statement(user_id, unread_only=unread_only, start=start, end=end)


async def get_notification(
    session: AsyncSession, user_id: UUID, id_: UUID, *, for_update: bool = False
) -> Notification:
    """Return an entry of somebody's own inbox.

    Raises:
        NotFound: there is none with this id in it.
    """
    found = await repository.find(session, user_id, id_, for_update=for_update)
    if found is None:
        raise NotFound("notification", id_)
    return found


async def count_unread(
    session: AsyncSession, user_id: UUID, start: datetime | None = None, end: datetime | None = None
) -> int:
    """Count what somebody has not read."""
    return await repository.count_unread(session, user_id, start, end)


async def mark_read(session: AsyncSession, user_id: UUID, id_: UUID) -> Notification:
    """Mark an entry as read; the instant of the first time stays.

    Raises:
        NotFound: there is none with this id in the inbox.
    """
    entry = await get_notification(session, user_id, id_, for_update=True)
    if entry.read_at is None:
        entry.read_at = await database_now(session)
        await session.flush()
        notify(session, Wake.INBOX, about=[user_id])
    audit.note(session, "notification", id_)
    return entry


async def mark_all_read(session: AsyncSession, user_id: UUID, start: datetime | None, end: datetime | None) -> int:
    """Mark all that somebody has not read; return how many there were."""
    notify(session, Wake.INBOX, about=[user_id])
    return await repository.mark_all_read(session, user_id, await database_now(session), start, end)


async def delete_notification(session: AsyncSession, user_id: UUID, id_: UUID) -> None:
    """Delete an entry of somebody's own inbox.

    Raises:
        NotFound: there is none with this id in it.
    """
    await session.delete(await get_notification(session, user_id, id_, for_update=True))
    notify(session, Wake.INBOX, about=[user_id])
    audit.note(session, "notification", id_)


async def delete_read(session: AsyncSession, user_id: UUID, start: datetime | None, end: datetime | None) -> int:
    """Delete what somebody has read; return how many there were."""
    return await repository.delete_read(session, user_id, start, end)


async def erase(session: AsyncSession, execution_ids: Collection[UUID]) -> None:
    """Take out what was told of executions: of inboxes the words, of messages all that they said; unsent ones stay unsent."""
    if not execution_ids:
        return
    await repository.erase(session, execution_ids)
    await outbox.erase(session, execution_ids)


async def list_of_person(session: AsyncSession, user_id: UUID) -> list[Notification]:
    """Return somebody's whole inbox, newest first."""
    return list(await session.scalars(repository.list_statement(user_id)))
