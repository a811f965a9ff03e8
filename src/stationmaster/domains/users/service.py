"""What happens to accounts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.users import repository
from stationmaster.domains.users.models import User
from stationmaster.errors import AlreadyExists, NotFound
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.emails import normalise_email

KEEP_UNVERIFIED = timedelta(days=30)


@dataclass(frozen=True)
class NewUser:
    """The facts of an account to be made; `email` in any case, `username` as it shall be shown."""

    email: str
    name: str
    role: Role = Role.USER
    username: str | None = None
    country: str | None = None
    institution: str | None = None
    is_verified: bool = True
    is_approved: bool = True


async def lock_user(session: AsyncSession, user_id: UUID) -> None:
    """Let whoever else calls this for the same person wait until our transaction ends."""
    await repository.find_locked(session, user_id)


async def create_user(session: AsyncSession, new: NewUser, *, password_hash: str) -> User:
    """Store an account; the hash comes from `passwords.hash_new`, made before the transaction began.

    Raises:
        AlreadyExists: the e-mail address or the user name is taken.
    """
    now = clock.now()
    user = User(
        email=normalise_email(new.email),
        username=new.username,
        username_key=_key(new.username),
        name=new.name,
        password_hash=password_hash,
        role=new.role,
        country=new.country,
        institution=new.institution,
        email_verified_at=now if new.is_verified else None,
        approved_at=now if new.is_approved else None,
    )
    await _check_free(session, user)
    session.add(user)
    await _flush(session, user)
    audit.note(session, "user", user.id, after=snapshot(user))
    return user


async def get_user(session: AsyncSession, user_id: UUID) -> User:
    """Return the account.

    Raises:
        NotFound: there is none.
    """
    user = await repository.find(session, user_id)
    if user is None:
        raise NotFound("user", user_id)
    return user


async def find_user(session: AsyncSession, user_id: UUID) -> User | None:
    """Return the account, or None."""
    return await repository.find(session, user_id)


async def find_by_login(session: AsyncSession, identifier: str) -> User | None:
    """Return the account that this e-mail address or user name names, in any case."""
    return await repository.find_by_login(session, identifier.strip().lower())


async def find_names(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of these accounts that are there."""
    return {user.id: user.name for user in await repository.list_by_id(session, ids)}


async def get_unchanged(session: AsyncSession, seen: User) -> User | None:
    """Return the account again, locked, or None when it is gone or its password, role or activity changed since
    `seen`.
    """
    user = await repository.find_locked(session, seen.id)
    is_same = user is not None and user.version == seen.version and user.is_active == seen.is_active
    return user if is_same else None


async def record_login(session: AsyncSession, user_id: UUID, *, password_hash: str | None) -> None:
    """Note a login now, and the hash with today's parameters where there is a new one."""
    await repository.record_login(session, user_id, password_hash=password_hash)


async def list_administrators(session: AsyncSession) -> list[User]:
    """Return the active admins and superadmins."""
    return await repository.list_administrators(session)


async def list_unverified(session: AsyncSession, *, created_before: datetime | None) -> list[User]:
    """Return the active accounts whose address nobody proved, oldest first; `created_before` excludes itself."""
    return await repository.list_unverified(session, created_before=created_before)


async def count_users(session: AsyncSession) -> int:
    """Count all accounts."""
    return await repository.count(session)


def list_statement(*, role: Role | None = None, is_active: bool | None = None) -> sa.Select[User]:
    """Make the SELECT of a list of accounts, for a page of it."""
    return repository.list_statement(role=role, is_active=is_active)


async def change(session: AsyncSession, user: User, changes: Mapping[str, Any]) -> None:
    """Write changed fields of an account, whoever asked; an address given here counts as verified.

    Raises:
        AlreadyExists: the e-mail address or the user name is taken.
    """
    facts, before = dict(changes), snapshot(user)
    if "username" in facts:
        facts["username_key"] = _key(facts["username"])
    if facts.get("email", user.email) != user.email:
        facts["email_verified_at"] = clock.now()
    if "is_approved" in facts:
        facts["approved_at"] = (user.approved_at or clock.now()) if facts.pop("is_approved") else None
    if user.is_active and facts.get("is_active") is False:
        facts["version"] = user.version + 1
    for field, value in facts.items():
        setattr(user, field, value)
    await _check_free(session, user)
    await _flush(session, user)
    audit.note(session, "user", user.id, before=before, after=snapshot(user))
    notify(session, Wake.IDENTITY)


async def set_password(session: AsyncSession, user_id: UUID, password_hash: str) -> User:
    """Store a new password; everything issued under the old one dies.

    Raises:
        NotFound: there is no such account.
    """
    user = await get_locked(session, user_id)
    before = snapshot(user)
    user.password_hash = password_hash
    user.version += 1
    await session.flush()
    audit.note(session, "user", user.id, before=before, after=snapshot(user))
    notify(session, Wake.IDENTITY)
    return user


async def end_everything(session: AsyncSession, user_id: UUID) -> None:
    """Let everything die that was issued to this account before now.

    Raises:
        NotFound: there is no such account.
    """
    user = await get_locked(session, user_id)
    before = snapshot(user)
    user.version += 1
    await session.flush()
    audit.note(session, "user", user.id, before=before, after=snapshot(user))
    notify(session, Wake.IDENTITY)


async def get_locked(session: AsyncSession, user_id: UUID) -> User:
    """Return the account as it is now, and keep others from changing it until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    user = await repository.find_locked(session, user_id)
    if user is None:
        raise NotFound("user", user_id)
    return user


async def _check_free(session: AsyncSession, user: User) -> None:
    """Name the field that is taken; `_flush` answers for the race between this look and the write."""
    taken = await repository.find_taken(session, user)
    if taken is None:
        return
    if taken.email == user.email:
        raise AlreadyExists("user", "e-mail address", user.email)
    raise AlreadyExists("user", "user name", user.username or "")


async def _flush(session: AsyncSession, user: User) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise AlreadyExists("user", "e-mail address or user name", user.email) from error


async def delete_unverified(session: AsyncSession) -> int:
    """Delete accounts that people made for themselves long ago and whose address nobody proved; return how many."""
    return await repository.delete_unverified(session, created_before=clock.now() - KEEP_UNVERIFIED)


def _key(username: str | None) -> str | None:
    return None if username is None else username.lower()
