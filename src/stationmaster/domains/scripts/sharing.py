"""Opening scripts to others, and closing them again.

A script is open to everybody (public) or to those who are listed, never both: publishing clears the list, and listing
somebody ends that it is public. When the last one is taken off the list it is its owner's alone again.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.scripts import repository, service
from stationmaster.domains.scripts.access import Access, Action
from stationmaster.domains.scripts.models import Script
from stationmaster.domains.users import service as users
from stationmaster.errors import FieldError, Invalid, NotFound
from stationmaster.identity.actor import Actor, Role


async def get_access(session: AsyncSession, id_or_slug: str, actor: Actor) -> Access:
    """Return whom a script is open to, for its owner and admins.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    script = await service.get_script(session, id_or_slug, actor, Action.CHANGE)
    return await _read(session, script)


async def publish(session: AsyncSession, id_or_slug: str, actor: Actor) -> Script:
    """Open a script to everybody.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    return await _change(session, id_or_slug, actor, lambda access: Access(access.owner_id, is_public=True))


async def unpublish(session: AsyncSession, id_or_slug: str, actor: Actor) -> Script:
    """Close a script that is open to everybody; those who are listed stay.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    return await _change(session, id_or_slug, actor, lambda access: replace(access, is_public=False))


async def clear(session: AsyncSession, id_or_slug: str, actor: Actor) -> Script:
    """Make a script its owner's alone.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    return await _change(session, id_or_slug, actor, lambda access: Access(access.owner_id))


async def set_roles(session: AsyncSession, id_or_slug: str, roles: Iterable[Role], actor: Actor) -> Script:
    """List these roles and no others.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    chosen = frozenset(roles)
    return await _change(session, id_or_slug, actor, lambda access: _listed(access, roles=chosen))


async def set_users(session: AsyncSession, id_or_slug: str, user_ids: Iterable[UUID], actor: Actor) -> Script:
    """List these people and no others.

    Raises:
        ScriptNotFound, OnlyOwner
        Invalid: some of them are nobody.
    """
    chosen = list(user_ids)
    known = await users.find_names(session, chosen)
    wrong = [
        FieldError("There is no such account.", pointer=f"/users/{index}")
        for index, id_ in enumerate(chosen)
        if id_ not in known
    ]
    if wrong:
        raise Invalid(*wrong)
    return await _change(session, id_or_slug, actor, lambda access: _listed(access, users=frozenset(chosen)))


async def add_user(session: AsyncSession, id_or_slug: str, user_id: UUID, actor: Actor) -> Script:
    """List somebody.

    Raises:
        ScriptNotFound, OnlyOwner
        NotFound: there is no such account.
    """
    await service.get_script(session, id_or_slug, actor, Action.CHANGE)
    if user_id not in await users.find_names(session, [user_id]):
        raise NotFound("user", user_id)
    return await _change(session, id_or_slug, actor, lambda access: _listed(access, users=access.users | {user_id}))


async def remove_user(session: AsyncSession, id_or_slug: str, user_id: UUID, actor: Actor) -> Script:
    """Take somebody off the list; nothing happens if they are not on it.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    return await _change(session, id_or_slug, actor, lambda access: _listed(access, users=access.users - {user_id}))


async def add_role(session: AsyncSession, id_or_slug: str, role: Role, actor: Actor) -> Script:
    """List a role.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    return await _change(session, id_or_slug, actor, lambda access: _listed(access, roles=access.roles | {role}))


async def remove_role(session: AsyncSession, id_or_slug: str, role: Role, actor: Actor) -> Script:
    """Take a role off the list; nothing happens if it is not on it.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    return await _change(session, id_or_slug, actor, lambda access: _listed(access, roles=access.roles - {role}))


def _listed(access: Access, **lists: Any) -> Access:
    """Change who is listed; a public script stays public as long as nobody is."""
    changed = replace(access, **lists)
    return replace(changed, is_public=changed.is_public and not changed.is_restricted)


async def _change(session: AsyncSession, id_or_slug: str, actor: Actor, change: Callable[[Access], Access]) -> Script:
    script = await service.get_script(session, id_or_slug, actor, Action.CHANGE, for_update=True)
    before = await _read(session, script)
    after = change(before)
    script.is_public = after.is_public
    await session.flush()
    await repository.replace_users(session, script.id, after.users)
    await repository.replace_roles(session, script.id, after.roles)
    await session.refresh(script)
    audit.note(session, "script", script.id, before=_tell(before), after=_tell(after))
    return script


async def _read(session: AsyncSession, script: Script) -> Access:
    return (await repository.read_accesses(session, [script]))[script.id]


def _tell(access: Access) -> dict[str, object]:
    lists = {"allowed_users": sorted(map(str, access.users)), "allowed_roles": sorted(access.roles)}
    return {"is_public": access.is_public, **lists}
