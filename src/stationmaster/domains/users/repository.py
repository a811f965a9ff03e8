"""The statements about accounts."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.statements import delete_some
from stationmaster.domains.users.models import Preferences, User
from stationmaster.identity.actor import Role
from stationmaster.kit import clock


async def find(session: AsyncSession, user_id: UUID) -> User | None:
    return await session.get(User, user_id)


async def find_locked(session: AsyncSession, user_id: UUID) -> User | None:
    """Return the account as it is now, and keep others from changing it until the transaction ends."""
    return await session.get(User, user_id, with_for_update={"key_share": True}, populate_existing=True)


async def find_by_login(session: AsyncSession, identifier: str) -> User | None:
    """Return the account with this e-mail address or user name; `identifier` is in lower case."""
    has_name = col(User.email) == identifier if "@" in identifier else col(User.username_key) == identifier
    found: User | None = await session.scalar(select(User).where(has_name))
    return found


async def list_by_id(session: AsyncSession, ids: Collection[UUID]) -> list[User]:
    return list(await session.scalars(select(User).where(col(User.id).in_(ids))))


async def list_wishing(session: AsyncSession, wish: str) -> list[User]:
    statement = (
        select(User)
        .join(Preferences, col(Preferences.user_id) == col(User.id))
        .where(col(getattr(Preferences, wish)), col(User.is_active), col(User.email_verified_at).is_not(None))
        .order_by(col(User.id))
    )
    return list(await session.scalars(statement))


async def list_with_preferences(session: AsyncSession, ids: Collection[UUID]) -> list[tuple[User, Preferences | None]]:
    """Return those of the accounts that can be told something, in a stable order, with what they prefer."""
    statement = (
        sa.select(User, Preferences)
        .outerjoin(Preferences, col(Preferences.user_id) == col(User.id))
        .where(col(User.id).in_(ids), col(User.is_active), col(User.email_verified_at).is_not(None))
        .order_by(col(User.id))
    )
    return [(user, wishes) for user, wishes in await session.execute(statement)]


async def count(session: AsyncSession) -> int:
    return await session.scalar(select(sa.func.count()).select_from(User)) or 0


def list_statement(*, role: Role | None, is_active: bool | None) -> sa.Select[User]:
    """Make the SELECT of the accounts with these properties, in a stable order."""
    statement = sa.select(User)
    if role is not None:
        statement = statement.where(col(User.role) == role)
    if is_active is not None:
        statement = statement.where(col(User.is_active) == is_active)
    return statement.order_by(col(User.created_at), col(User.id))


async def list_administrators(session: AsyncSession) -> list[User]:
    is_admin = col(User.role).in_([role for role in Role if role.includes(Role.ADMIN)])
    return list(await session.scalars(select(User).where(is_admin, col(User.is_active)).order_by(col(User.id))))


async def list_unverified(session: AsyncSession, *, created_before: datetime | None) -> list[User]:
    statement = select(User).where(col(User.is_active), col(User.email_verified_at).is_(None))
    if created_before is not None:
        statement = statement.where(col(User.created_at) < created_before)
    return list(await session.scalars(statement.order_by(col(User.created_at), col(User.id))))


async def lock_superadmins(session: AsyncSession) -> list[UUID]:
    """Return the ids of the superadmins who can act now, and lock them all until the transaction ends.

    Always in the same order, so that two callers wait for each other instead of both failing.
    """
    statement = (
        select(User.id)
        .where(col(User.role) == Role.SUPERADMIN, col(User.is_active), col(User.approved_at).is_not(None))
        .order_by(col(User.id))
        .with_for_update(key_share=True)
    )
    return list(await session.scalars(statement))


async def find_taken(session: AsyncSession, user: User) -> User | None:
    """Return another account with this one's e-mail address or user name."""
    is_same = col(User.email) == user.email
    if user.username_key is not None:
        is_same = sa.or_(is_same, col(User.username_key) == user.username_key)
    found: User | None = await session.scalar(select(User).where(is_same, col(User.id) != user.id).limit(1))
    return found


async def record_login(session: AsyncSession, user_id: UUID, *, password_hash: str | None) -> None:
    """Note the instant of a login, and the hash with today's parameters where there is a new one.

    `updated_at` stays: nobody changed the account.
    """
    values: dict[str, object] = {"last_login_at": clock.now(), "updated_at": User.updated_at}
    if password_hash is not None:
        values["password_hash"] = password_hash
    await session.execute(sa.update(User).where(col(User.id) == user_id).values(values))


async def delete_unverified(session: AsyncSession, *, created_before: datetime) -> int:
    is_old = col(User.created_at) < created_before
    is_nobodys = col(User.email_verified_at).is_(None) & col(User.role).in_([Role.VIEWER, Role.USER])
    return await delete_some(session, User, is_old & is_nobodys)
