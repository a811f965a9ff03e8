"""What people want to see and to be told."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.users.models import Preferences


async def preferences_of(session: AsyncSession, user_id: UUID) -> Preferences:
    """Return somebody's preferences; the defaults, not stored, where they never chose."""
    return await session.get(Preferences, user_id) or Preferences(user_id=user_id)


async def set_preferences(session: AsyncSession, user_id: UUID, changes: Mapping[str, Any]) -> Preferences:
    """Store the named fields of somebody's preferences."""
    preferences = await preferences_of(session, user_id)
    preferences.sqlmodel_update(dict(changes))
    session.add(preferences)
    await session.flush()
    return preferences
