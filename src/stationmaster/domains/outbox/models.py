"""The table of outgoing messages."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from stationmaster.db.base import PERSONAL, Json, Table, enum_column, sealed
from stationmaster.kit import clock

PURPOSE = "outbox"


class Channel(StrEnum):
    """By which way a message goes out."""

    EMAIL = "email"
    SLACK = "slack"
    WEBHOOK = "webhook"


class MessageState(StrEnum):
    """How far a message has come; see the package's docstring. The failed ones are the dead letters."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


_IS_QUEUED = sa.text("state = 'queued'")


class Message(Table, table=True):
    """One message to one recipient.

    What it says is `content`, sealed JSON that is gone once it was sent, or `facts`, which are no secret and stay.
    """

    __tablename__ = "messages"
    __table_args__ = (
        sa.Index(
            "ix_messages_due", "channel", "available_at", "id", sqlite_where=_IS_QUEUED, postgresql_where=_IS_QUEUED
        ),
        sa.Index("ix_messages_user", "user_id", "id"),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
    )

    channel: Channel = Field(default=Channel.EMAIL, sa_type=enum_column(Channel, "channel"))
    kind: str = Field(max_length=64)
    dedupe_key: str = Field(max_length=200, unique=True)
    recipient: str = Field(max_length=254, sa_column_kwargs=PERSONAL)
    user_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="CASCADE")
    facts: dict[str, Any] | None = Field(default=None, sa_type=Json, sa_column_kwargs=PERSONAL)
    content: str | None = Field(
        default=None, sa_type=sa.Text, sa_column_kwargs=sealed(PURPOSE, row="messages/{id}", is_personal=True)
    )
    state: MessageState = Field(default=MessageState.QUEUED, sa_type=enum_column(MessageState, "message_state"))
    attempts: int = 0
    created_at: datetime = Field(default_factory=clock.now)
    available_at: datetime = Field(default_factory=clock.now)
    """When it is due: next try, or end of the present claim."""
    lease_token: UUID | None = None
    sent_at: datetime | None = None
    last_error: str | None = Field(default=None, max_length=500)
