"""An inbox as a stream of events: what comes in is pushed at once, and so is the number of unread entries.

Entries of other replicas may be committed a little later than their ids say. So each look goes back a while, past what was
pushed already.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.notifications import repository
from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.schemas import NotificationOut
from stationmaster.kit import clock
from stationmaster.kit.ids import first_id_at
from stationmaster.web.streams import Event

BATCH = 100
BACK = timedelta(seconds=30)

MayGoOn = Callable[[], Awaitable[bool]]


@dataclass
class Watch:
    """One reader's place in an inbox."""

    user_id: UUID
    since: UUID
    pushed: set[UUID] = field(default_factory=set)
    unread: int | None = None

    @classmethod
    async def open(cls, session: AsyncSession, user_id: UUID, last: UUID | None) -> "Watch":
        """Begin behind the last entry that the reader has, or with what comes from now on."""
        if last is not None:
            return cls(user_id, last)
        watch = cls(user_id, first_id_at(clock.now() - BACK))
        known = await repository.list_since(session, user_id, watch.since, (), limit=BATCH)
        return cls(user_id, watch.since, {entry.id for entry in known})

    async def look(self, session: AsyncSession) -> list[Event]:
        """Return what is new, and move on."""
        entries = await repository.list_since(session, self.user_id, self.since, self.pushed, limit=BATCH)
        events = [_event_of(entry) for entry in entries]
        self.pushed |= {entry.id for entry in entries}
        if len(entries) < BATCH:
            self.since = max(self.since, first_id_at(clock.now() - BACK))
            self.pushed = {id_ for id_ in self.pushed if id_ > self.since}
        unread = await repository.count_unread(session, self.user_id)
        if unread != self.unread:
            self.unread = unread
            events.append(Event("unread", {"unread_count": unread}))
        return events


async def follow(
    database: Database, beat: AsyncGenerator[None], watch: Watch, *, may_go_on: MayGoOn
) -> AsyncGenerator[list[Event]]:
    """Give what comes into an inbox, in the beat, as long as its reader may have it."""
    async for _ in beat:
        if not await may_go_on():
            return
        async with read_only(database) as session:
            events = await watch.look(session)
        yield events


def _event_of(entry: Notification) -> Event:
    shown: dict[str, Any] = NotificationOut.of(entry).model_dump(mode="json")
    return Event("notification", shown, id=str(entry.id))
