"""Which keys expire so soon that their owners should be told."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.clock import database_now
from stationmaster.domains.api_keys.models import ApiKey

TOLD_BEFORE = (timedelta(days=14), timedelta(days=3))
BATCH = 100


async def take_due(session: AsyncSession) -> list[ApiKey]:
    """Return keys of which it is time to tell, and note that it is done; each stage once, and none that began with it."""
    now = await database_now(session)
    statement = (
        select(ApiKey)
        .where(ApiKey.is_active, col(ApiKey.expires_at) > now, col(ApiKey.expires_at) <= now + max(TOLD_BEFORE))
        .order_by(col(ApiKey.expires_at), col(ApiKey.id))
        .with_for_update(key_share=True, skip_locked=True)
    )
    due = [key for key in await session.scalars(statement) if is_due(key, now)][:BATCH]
    for key in due:
        key.expiry_told_at = now
    await session.flush()
    return due


def is_due(key: ApiKey, now: datetime) -> bool:
    """Say whether a stage has begun since the owner was told last, or since the key was made."""
    told_at = key.expiry_told_at or key.created_at
    return any(told_at < key.expires_at - before <= now for before in TOLD_BEFORE)
