"""What the API gives about the outbox."""

from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from pydantic import Field

from stationmaster.domains.outbox.models import Channel, Message, MessageState
from stationmaster.web.schema import Output


class DeliveryOut(Output):
    """A message of the outbox; what it says is not shown."""

    volatile: ClassVar[frozenset[str]] = frozenset()

    id: UUID
    channel: Channel
    kind: str = Field(description="What it is: `notice`, `message`, or a mail about an account.", examples=["notice"])
    subject: str | None = Field(description="The title of a notice.", examples=["nightly failed"])
    recipient: str = Field(description="An address, or the channel itself.", examples=["ops@example.com"])
    user_id: UUID | None = Field(description="Whose account it concerns.")
    state: MessageState = Field(description="`failed` ones are the dead letters.")
    attempts: int = Field(description="Tries so far.", examples=[1])
    next_attempt_at: datetime | None = Field(description="When it is due; null when it is over.")
    last_error: str | None = Field(description="What was said at the last try.", examples=["The answer was 503: later"])
    sent_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, message: Message) -> Self:
        is_queued = message.state is MessageState.QUEUED
        return cls(
            **message.model_dump(include=set(cls.model_fields)),
            subject=(message.facts or {}).get("title"),
            next_attempt_at=message.available_at if is_queued else None,
        )
