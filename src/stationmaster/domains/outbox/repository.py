"""The statements about messages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.statements import insert_or_ignore
from stationmaster.domains.outbox.models import Channel, Message, MessageState


@dataclass(frozen=True)
class Claimed:
    """A message that is ours to send until its claim runs out."""

    id: UUID
    kind: str
    dedupe_key: str
    recipient: str
    content: str | None
    facts: dict[str, Any] | None
    attempts: int
    created_at: datetime


async def insert(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Store messages; one whose dedupe key is there already is left out."""
    rows = [message.model_dump() for message in messages]
    await session.execute(insert_or_ignore(session, table_of(Message)).values(rows))


async def find(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Message | None:
    return await session.get(Message, id_, with_for_update=for_update or None, populate_existing=for_update)


def list_statement(
    *, channel: Channel | None, state: MessageState | None, start: datetime | None, end: datetime | None
) -> sa.Select[Message]:
    """Make the SELECT of messages with these properties, newest first."""
    statement = sa.select(Message).order_by(col(Message.id).desc())
    if channel is not None:
        statement = statement.where(col(Message.channel) == channel)
    if state is not None:
        statement = statement.where(col(Message.state) == state)
    if start is not None:
        statement = statement.where(col(Message.created_at) >= start)
    if end is not None:
        statement = statement.where(col(Message.created_at) < end)
    return statement


async def claim(
    session: AsyncSession, channel: Channel, *, token: UUID, now: datetime, lease: timedelta, limit: int
) -> list[Claimed]:
    """Make up to `limit` due messages of a channel ours, the oldest first."""
    messages = table_of(Message)
    due = (
        sa.select(messages.c.id)
        .where(
            messages.c.state == MessageState.QUEUED,
            messages.c.channel == channel,
            messages.c.available_at <= now,
        )
        .order_by(messages.c.available_at, messages.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        sa.update(messages)
        .where(messages.c.id.in_(due))
        .values(lease_token=token, available_at=now + lease, attempts=messages.c.attempts + 1)
        .returning(*(messages.c[field.name] for field in fields(Claimed)))
    )
    return [Claimed(*row) for row in await session.execute(statement)]


async def settle(session: AsyncSession, message_id: UUID, *, token: UUID, **facts: object) -> bool:
    """Write what became of a claimed message; False when the claim is not ours any more."""
    statement = (
        sa.update(Message)
        .where(
            col(Message.id) == message_id,
            col(Message.lease_token) == token,
            col(Message.state) == MessageState.QUEUED,
        )
        .values(lease_token=None, **facts)
        .returning(col(Message.id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def list_of_person(session: AsyncSession, user_id: UUID) -> list[Message]:
    statement = select(Message).where(Message.user_id == user_id).order_by(col(Message.created_at), col(Message.id))
    return list(await session.scalars(statement))


async def erase(session: AsyncSession, execution_ids: Collection[str]) -> None:
    """Empty the messages about these executions; of those that wait, nothing is sent."""
    messages = table_of(Message)
    is_mine = messages.c.facts[("about", "execution_id")].as_string().in_(execution_ids)
    gone = sa.case((messages.c.state == MessageState.QUEUED, MessageState.FAILED), else_=messages.c.state)
    emptied = {"facts": sa.null(), "content": None, "last_error": None, "lease_token": None, "state": gone}
    await session.execute(sa.update(messages).where(is_mine).values(emptied))
