"""Making, changing and checking API keys."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import ApiKeySettings
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.api_keys import repository
from stationmaster.domains.api_keys.errors import BeyondOwnRights, NotYourKey, OnlyOwnKeys
from stationmaster.domains.api_keys.key_format import ID_LENGTH, PREFIX, KeyText, new_key
from stationmaster.domains.api_keys.models import ApiKey
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users import management
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.domains.users.notices import tell
from stationmaster.errors import FieldError, Invalid, NotFound
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit import clock, tokens


@dataclass(frozen=True)
class NewApiKey:
    """The facts of a key to be made; `role` None is `user`, or its owner's role where that is less."""

    name: str
    description: str | None = None
    role: Role | None = None
    scopes: list[str] | None = None
    expires_at: datetime | None = None


async def create_key(
    session: AsyncSession, owner: User, new: NewApiKey, *, settings: ApiKeySettings, outbox: Outbox
) -> tuple[ApiKey, str]:
    """Make a key for somebody and tell them; return it and its text, which is nowhere else.

    Raises:
        BeyondOwnRights: its role is above its owner's.
        Invalid: it would expire in the past, or too far in the future.
    """
    role = new.role or _default_role(owner.role)
    if not owner.role.includes(role):
        raise BeyondOwnRights(f"the role {role.value}")
    text = new_key()
    key = ApiKey(
        user_id=owner.id,
        name=new.name,
        description=new.description,
        role=role,
        scopes=sorted(set(new.scopes)) if new.scopes is not None else None,
        public_id=text.public_id,
        key_hash=text.digest,
        expires_at=_expiry(new.expires_at, settings),
    )
    session.add(key)
    await session.flush()
    audit.note(session, "api_key", key.id, after=snapshot(key))
    facts = {"key_name": key.name, "key_prefix": key.key_prefix, "role": role.value}
    await tell(session, outbox, owner, "api_key_created", about=key.id, **facts)
    return key, text.text


async def create_key_as(
    session: AsyncSession, actor: Actor, new: NewApiKey, *, settings: ApiKeySettings, outbox: Outbox
) -> tuple[ApiKey, str]:
    """Make a key for the caller; a key that makes a key gives no more than it has itself.

    Raises:
        BeyondOwnRights: its role is above the caller's, or its scopes are wider.
        Invalid: it would expire in the past, or too far in the future.
    """
    _check_within(actor, new.role, new.scopes)
    owner = await users.get_user(session, actor.user_id)
    settled = replace(new, role=new.role or _default_role(actor.role))
    return await create_key(session, owner, settled, settings=settings, outbox=outbox)


async def get_key(session: AsyncSession, actor: Actor, key_id: UUID) -> ApiKey:
    """Return a key that the actor may see: one's own, or any for admins.

    Raises:
        NotFound: there is none.
    """
    key = await repository.find(session, key_id)
    if key is None or not _may_see(actor, key):
        raise NotFound("API key", key_id)
    return key


def list_statement(actor: Actor, *, user_id: UUID | None, is_active: bool | None) -> sa.Select[ApiKey]:
    """Make the SELECT of the keys that the actor may see, for a page of it.

    Raises:
        OnlyOwnKeys: somebody else's are asked for.
    """
    if not actor.is_admin and user_id not in {None, actor.user_id}:
        raise OnlyOwnKeys
    return repository.list_statement(user_id=user_id if actor.is_admin else actor.user_id, is_active=is_active)


async def list_of_person(session: AsyncSession, user_id: UUID) -> list[ApiKey]:
    """Return all keys of somebody, newest first."""
    return await repository.list_of_person(session, user_id)


async def update_key(session: AsyncSession, actor: Actor, key_id: UUID, changes: Mapping[str, Any]) -> ApiKey:
    """Change name, description or activity of a key.

    Raises:
        NotFound: there is none that the actor may see.
        MayNotManage: it belongs to somebody whom the actor does not manage.
    """
    key = await get_changeable(session, actor, key_id)
    before = snapshot(key)
    for field, value in changes.items():
        setattr(key, field, value)
    await session.flush()
    audit.note(session, "api_key", key.id, before=before, after=snapshot(key))
    notify(session, Wake.IDENTITY)
    return key


async def find_names(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of these keys that are there."""
    return await repository.find_names(session, ids)


async def find_owner_ids(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return whom these keys belong to, of those that are there."""
    return await repository.find_owner_ids(session, ids)


async def revoke_by_prefix(session: AsyncSession, text: str) -> ApiKey:
    """Deactivate the key whose text begins with, or is, `text`.

    Raises:
        NotFound: there is none.
    """
    key = await repository.find_by_public_id(session, text.removeprefix(PREFIX)[:ID_LENGTH])
    if key is None:
        raise NotFound("API key", text[: len(PREFIX) + ID_LENGTH])
    before = snapshot(key)
    key.is_active = False
    await session.flush()
    audit.note(session, "api_key", key.id, before=before, after=snapshot(key))
    notify(session, Wake.IDENTITY)
    return key


async def delete_key(session: AsyncSession, actor: Actor, key_id: UUID) -> None:
    """Delete a key with its statistics.

    Raises:
        NotFound, MayNotManage: see `update_key`.
    """
    key = await get_changeable(session, actor, key_id)
    audit.note(session, "api_key", key.id, before=snapshot(key))
    await session.delete(key)
    await session.flush()
    notify(session, Wake.IDENTITY)


async def rotate_key(session: AsyncSession, actor: Actor, key_id: UUID, *, overlap: timedelta) -> tuple[ApiKey, str]:
    """Give a key a new text; the present one goes on for `overlap`, the one before it ends now.

    Raises:
        NotFound: there is none that the actor may see.
        NotYourKey: it is somebody else's.
        BeyondOwnRights: the caller is a key with less rights.
    """
    key = await _get_locked(session, actor, key_id)
    if key.user_id != actor.user_id:
        raise NotYourKey
    _check_within(actor, key.role if actor.kind == "api_key" else None, key.scopes)
    text, before = new_key(), snapshot(key)
    key.old_public_id, key.old_key_hash = key.public_id, key.key_hash
    key.old_expires_at = clock.now() + overlap
    key.public_id, key.key_hash = text.public_id, text.digest
    await session.flush()
    audit.note(session, "api_key", key.id, before=before, after=snapshot(key))
    notify(session, Wake.IDENTITY)
    return key, text.text


async def find_actor(session: AsyncSession, text: KeyText) -> Actor | None:
    """Return whom a key stands for now, or None when it does not count."""
    key = await repository.find_by_public_id(session, text.public_id)
    if key is None or not _is_good(key, text):
        return None
    owner = await users.find_user(session, key.user_id)
    if owner is None or not (owner.is_active and owner.is_approved):
        return None
    return Actor(
        kind="api_key",
        id=key.id,
        user_id=owner.id,
        name=key.name,
        email=owner.email,
        role=key.role if owner.role.includes(key.role) else owner.role,
        is_verified=owner.is_verified,
        scopes=frozenset(key.scopes) if key.scopes is not None else None,
    )


def _is_good(key: ApiKey, text: KeyText) -> bool:
    now = clock.now()
    if not key.is_active or key.expires_at <= now:
        return False
    if text.public_id == key.public_id:
        return tokens.is_same(text.digest, key.key_hash)
    is_overlapping = key.old_expires_at is not None and key.old_expires_at > now
    return is_overlapping and tokens.is_same(text.digest, key.old_key_hash or "")


def _may_see(actor: Actor, key: ApiKey) -> bool:
    return actor.is_admin or key.user_id == actor.user_id


async def _get_locked(session: AsyncSession, actor: Actor, key_id: UUID) -> ApiKey:
    key = await repository.find_locked(session, key_id)
    if key is None or not _may_see(actor, key):
        raise NotFound("API key", key_id)
    return key


async def get_changeable(session: AsyncSession, actor: Actor, key_id: UUID) -> ApiKey:
    """Return a key that the actor may change, locked.

    Raises:
        NotFound, MayNotManage: see `update_key`.
    """
    key = await _get_locked(session, actor, key_id)
    if key.user_id != actor.user_id:
        await management.get_managed(session, actor, key.user_id)
    return key


def _check_within(actor: Actor, role: Role | None, scopes: Iterable[str] | None) -> None:
    if role is not None and not actor.role.includes(role):
        raise BeyondOwnRights(f"the role {role.value}")
    if actor.scopes is None:
        return
    if scopes is None:
        raise BeyondOwnRights("all scopes")
    for scope in sorted(set(scopes) - actor.scopes):
        raise BeyondOwnRights(f"the scope {scope}")


def _default_role(own: Role) -> Role:
    return Role.USER if own.includes(Role.USER) else own


def _expiry(wished: datetime | None, settings: ApiKeySettings) -> datetime:
    now = clock.now()
    expires_at = wished or now + settings.default_life
    if expires_at <= now:
        raise Invalid(FieldError("This is in the past.", pointer="/expires_at"))
    if expires_at > now + settings.max_life:
        raise Invalid(FieldError(f"A key lasts at most {settings.max_life.days} days.", pointer="/expires_at"))
    return expires_at
