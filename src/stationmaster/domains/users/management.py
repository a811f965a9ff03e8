"""Accounts managed by others: the rules of roles, and the last superadmin who stays.

Whoever takes a superadmin away first locks all of them, always in the same order, and counts under the lock. So of two
superadmins who demote each other at the same instant, one is refused.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users import passwords, repository, rules
from stationmaster.domains.users import service as users
from stationmaster.domains.users.errors import LastSuperadmin
from stationmaster.domains.users.models import User
from stationmaster.domains.users.notices import tell
from stationmaster.domains.users.service import NewUser
from stationmaster.errors import AlreadyExists
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit.ids import new_id


async def create_user_as(session: AsyncSession, actor: Actor, new: NewUser, *, password_hash: str) -> User:
    """Store an account on behalf of somebody.

    Raises:
        MayNotGrant: the actor may not give that role.
        AlreadyExists: the e-mail address or the user name is taken.
    """
    rules.check_grants(actor, new.role)
    return await users.create_user(session, new, password_hash=password_hash)


async def get_managed(session: AsyncSession, actor: Actor, user_id: UUID) -> User:
    """Return an account that the actor may manage, locked.

    Raises:
        NotFound: there is no such account.
        MayNotManage: the actor's role does not cover the account's.
    """
    user = await users.get_locked(session, user_id)
    rules.check_manages(actor, user.role)
    return user


async def lock_for_change(session: AsyncSession, user_id: UUID, actor: Actor | None = None) -> User:
    """Return an account after the locks that changing or deleting it takes, in their order; see `get_managed`."""
    await repository.lock_superadmins(session)
    return await (get_managed(session, actor, user_id) if actor else users.get_locked(session, user_id))


async def update_user(
    session: AsyncSession, actor: Actor | None, user_id: UUID, changes: Mapping[str, Any], *, outbox: Outbox
) -> User:
    """Change the named fields (of `UserPatch`) of somebody's account on behalf of an administrator.

    Without an actor it is the operator at the command line, who may do everything but take the last superadmin away.

    Raises:
        NotFound: there is no such account.
        MayNotManage, MayNotGrant: the actor's role does not cover the account's present or new role.
        LastSuperadmin: nobody would be left who may do everything.
        AlreadyExists: the e-mail address or the user name is taken.
    """
    superadmins = await repository.lock_superadmins(session)
    user = await (get_managed(session, actor, user_id) if actor else users.get_locked(session, user_id))
    old_role, was_approved = user.role, user.is_approved
    new_role = changes.get("role", old_role)
    if actor and new_role != old_role:
        rules.check_grants(actor, new_role)
    if new_role is not Role.SUPERADMIN or not changes.get("is_active", True) or not changes.get("is_approved", True):
        _check_not_last(superadmins, user)
    await users.change(session, user, changes)
    if new_role != old_role:
        await tell(session, outbox, user, "role_changed", about=new_id(), old_role=old_role, new_role=new_role)
    if user.is_approved and not was_approved:
        await tell(session, outbox, user, "account_approved", about=new_id())
    return user


async def delete_user_as(session: AsyncSession, actor: Actor, user_id: UUID) -> None:
    """Delete somebody's account on behalf of an administrator.

    Raises:
        NotFound: there is no such account.
        MayNotManage: the actor's role does not cover the account's.
        LastSuperadmin: nobody would be left who may do everything.
    """
    superadmins = await repository.lock_superadmins(session)
    await _delete(session, superadmins, await get_managed(session, actor, user_id))


async def delete_own(session: AsyncSession, user_id: UUID) -> None:
    """Delete an account at its owner's wish.

    Raises:
        NotFound: it is gone already.
        LastSuperadmin: nobody would be left who may do everything.
    """
    superadmins = await repository.lock_superadmins(session)
    await _delete(session, superadmins, await users.get_locked(session, user_id))


async def ensure_first_superadmin(session: AsyncSession, *, email: str, password: str) -> bool:
    """Make the first superadmin where there is nobody yet; say whether one was made. Call it on a fresh session.

    Raises:
        WeakPassword: the password is refused.
        ValueError: the e-mail address is none.
    """
    password_hash = await passwords.hash_new(password, context=[email])
    if await repository.count(session):
        return False
    try:
        async with session.begin_nested():
            await create_superadmin(session, email=email, name="Superadmin", password_hash=password_hash)
    except AlreadyExists:
        return False  # another replica was first
    return True


async def create_superadmin(session: AsyncSession, *, email: str, name: str, password_hash: str) -> User:
    """Make a superadmin, verified and approved.

    Raises:
        AlreadyExists: the e-mail address is taken.
    """
    new = NewUser(email=email, name=name, role=Role.SUPERADMIN)
    return await users.create_user(session, new, password_hash=password_hash)


async def _delete(session: AsyncSession, superadmins: list[UUID], user: User) -> None:
    _check_not_last(superadmins, user)
    audit.note(session, "user", user.id, before=snapshot(user))
    await session.delete(user)
    await session.flush()
    notify(session, Wake.IDENTITY)


def _check_not_last(superadmins: list[UUID], user: User) -> None:
    if superadmins == [user.id]:
        raise LastSuperadmin
