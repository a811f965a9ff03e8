"""Forgetting messages that went out, or never will: done by a duty, a bounded number of rows at a time."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from stationmaster.db.statements import delete_some
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.kit import clock

KEEP = timedelta(days=90)


async def forget_old(session: AsyncSession) -> int:
    """Delete messages that were settled long ago; return how many."""
    is_settled = col(Message.state) != MessageState.QUEUED
    return await delete_some(session, Message, is_settled & (col(Message.created_at) < clock.now() - KEEP))
