"""What people want to see and to be told."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.users import repository
from stationmaster.domains.users.models import Preferences, User

# Of the document of a user interface nobody knows what it holds.
UNTOLD = frozenset({"user_id", "ui"})


async def preferences_of(session: AsyncSession, user_id: UUID) -> Preferences:
    """Return somebody's preferences; the defaults, not stored, where they never chose."""
    return await session.get(Preferences, user_id) or Preferences(user_id=user_id)


async def lock_preferences(session: AsyncSession, user_id: UUID) -> Preferences:
    """Return somebody's preferences, and keep others from changing them until the transaction ends."""
    await repository.find_locked(session, user_id)  # the account's row: that of the preferences may not be there yet
    return await preferences_of(session, user_id)


async def set_preferences(session: AsyncSession, user_id: UUID, changes: Mapping[str, Any]) -> Preferences:
    """Store the named fields of somebody's preferences."""
    preferences = await lock_preferences(session, user_id)
    before = snapshot(preferences, but=UNTOLD)
    preferences.sqlmodel_update(dict(changes))
    session.add(preferences)
    await session.flush()
    audit.note(session, "user", user_id, before=before, after=snapshot(preferences, but=UNTOLD))
    return preferences


async def list_wishing(session: AsyncSession, wish: str) -> list[User]:
    """Return the people who can be told something and have switched on this preference, which is off by default."""
    return await repository.list_wishing(session, wish)


async def find_told(session: AsyncSession, user_ids: Collection[UUID]) -> list[tuple[User, Preferences]]:
    """Return those of the people who can be told something (active, with a proven address), and their preferences."""
    if not user_ids:
        return []
    rows = await repository.list_with_preferences(session, user_ids)
    return [(user, wishes or Preferences(user_id=user.id)) for user, wishes in rows]
