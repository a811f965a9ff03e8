"""Putting messages into the outbox, and looking after them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.outbox import repository
from stationmaster.domains.outbox.errors import ContentGone, StillQueued
from stationmaster.domains.outbox.models import PURPOSE, Channel, Message, MessageState
from stationmaster.domains.outbox.rendering import Content, render
from stationmaster.errors import NotFound
from stationmaster.kit.sealing import Keyring, Sealer


@dataclass(frozen=True)
class Post:
    """A message without secrets: its carrier makes of `kind` and `facts` what goes out, when it goes out."""

    channel: Channel
    kind: str
    recipient: str
    dedupe_key: str
    facts: Mapping[str, Any]
    user_id: UUID | None = None


async def enqueue(session: AsyncSession, posts: Sequence[Post]) -> list[UUID]:
    """Store messages that go out after this transaction; one whose `dedupe_key` is known already is left out.

    Returns the ids of the messages, also of those that were left out and so are nowhere.
    """
    if not posts:
        return []
    messages = [Message(**asdict(post)) for post in posts]
    await repository.insert(session, messages)
    notify(session, Wake.OUTBOX)
    return [message.id for message in messages]


async def get_message(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Message:
    """Return a message.

    Raises:
        NotFound: there is none with this id.
    """
    message = await repository.find(session, id_, for_update=for_update)
    if message is None:
        raise NotFound("delivery", id_)
    return message


def list_statement(
    *, channel: Channel | None, state: MessageState | None, start: datetime | None, end: datetime | None
) -> sa.Select[Message]:
    """Make the SELECT of messages, newest first, for a page of it."""
    return repository.list_statement(channel=channel, state=state, start=start, end=end)


async def resend(session: AsyncSession, id_: UUID) -> Message:
    """Queue a message again, with all its tries before it.

    Raises:
        NotFound, StillQueued, ContentGone
    """
    message = await get_message(session, id_, for_update=True)
    if message.state is MessageState.QUEUED:
        raise StillQueued
    if message.content is None and message.facts is None:
        raise ContentGone
    message.state, message.attempts, message.sent_at = MessageState.QUEUED, 0, None
    message.available_at = await database_now(session)
    await session.flush()
    audit.note(session, "delivery", id_, after={"channel": message.channel, "kind": message.kind})
    notify(session, Wake.OUTBOX)
    return message


@dataclass(frozen=True)
class Outbox:
    """Writes messages that hold secrets, and reads them back; `public_url` is where the links of mails lead."""

    public_url: str
    sealer: Sealer

    @classmethod
    def open(cls, public_url: str, keyring: Keyring) -> "Outbox":
        """Make the outbox of a service; all replicas have the same keys."""
        return cls(public_url.rstrip("/"), keyring.sealer(PURPOSE))

    async def enqueue_mail(
        self,
        session: AsyncSession,
        kind: str,
        *,
        recipient: str,
        dedupe_key: str,
        facts: Mapping[str, object],
        user_id: UUID | None = None,
    ) -> UUID:
        """Store a mail that goes out after this transaction; a second one with the same `dedupe_key` is left out."""
        content = render(kind, {"public_url": self.public_url, **facts})
        message = Message(channel=Channel.EMAIL, kind=kind, dedupe_key=dedupe_key, recipient=recipient, user_id=user_id)
        message.content = self.sealer.seal(json.dumps(asdict(content)), row=_row(message.id))
        await repository.insert(session, [message])
        notify(session, Wake.OUTBOX)
        return message.id

    def open_content(self, message_id: UUID, sealed: str) -> Content:
        """Read what `enqueue_mail` stored.

        Raises:
            CannotOpen: it was stored under other keys.
        """
        facts: dict[str, Any] = json.loads(self.sealer.open(sealed, row=_row(message_id)))
        return Content(**facts)


async def erase(session: AsyncSession, execution_ids: Collection[UUID]) -> None:
    """Take out what messages say of executions; those that wait do not go out any more."""
    await repository.erase(session, [str(id_) for id_ in execution_ids])


async def list_of_person(session: AsyncSession, user_id: UUID) -> list[Message]:
    """Return the messages that were sent to somebody, oldest first."""
    return await repository.list_of_person(session, user_id)


def _row(message_id: UUID) -> str:
    return f"messages/{message_id}"
