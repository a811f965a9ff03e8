"""Putting messages into the outbox, and looking after them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.notify import Wake, notify
from stationmaster.domains.outbox import repository
from stationmaster.domains.outbox.models import PURPOSE, Channel, Message
from stationmaster.domains.outbox.rendering import Content, render
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


async def enqueue(session: AsyncSession, posts: Sequence[Post]) -> None:
    """Store messages that go out after this transaction; one whose `dedupe_key` is known already is left out."""
    if not posts:
        return
    await repository.insert(session, [Message(**asdict(post)) for post in posts])
    notify(session, Wake.OUTBOX)


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


async def list_of_person(session: AsyncSession, user_id: UUID) -> list[Message]:
    """Return the messages that were sent to somebody, oldest first."""
    return await repository.list_of_person(session, user_id)


def _row(message_id: UUID) -> str:
    return f"messages/{message_id}"
