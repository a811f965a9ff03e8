"""Whom scripts are open to, over HTTP."""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.scripts import reading, sharing
from stationmaster.domains.scripts.models import Script
from stationmaster.domains.scripts.schemas import AccessOut, RolesIn, UsersIn
from stationmaster.identity.actor import Actor, Role
from stationmaster.identity.dependencies import CurrentActor, RequireUser
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/scripts/{script}/access", tags=["scripts"], route_class=Operation)


@router.get("", summary="Read whom a script is open to", responses=problems(403, 404))
async def get_script_access(script: str, actor: CurrentActor, session: ReadSessionDep) -> AccessOut:
    """Read whether a script is public, and the roles and people that may use it. Owner or admin."""
    return reading.show_access(await sharing.get_access(session, script, actor))


@router.delete("", status_code=204, summary="Make a script private", responses=problems(403, 404))
async def clear_script_access(script: str, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Make a script its owner's alone: neither public nor open to anybody. Owner or admin."""
    await if_match.check(lambda: _show(session, script, actor))
    await sharing.clear(session, script, actor)


@router.put("/roles", summary="Open a script to roles", responses=problems(403, 404))
async def put_script_roles(
    script: str, body: RolesIn, actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> AccessOut:
    """Open a script to the holders of these roles and of those above them, and to no other role. Owner or admin.

    A script that is open to somebody is not public.
    """
    await if_match.check(lambda: _show(session, script, actor))
    return await _show_changed(session, await sharing.set_roles(session, script, body.roles, actor), actor)


@router.put("/users", summary="Open a script to people", responses=problems(403, 404))
async def put_script_users(
    script: str, body: UsersIn, actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> AccessOut:
    """Open a script to these people, and to nobody else by name. Owner or admin."""
    await if_match.check(lambda: _show(session, script, actor))
    return await _show_changed(session, await sharing.set_users(session, script, body.users, actor), actor)


@router.post("/users/{user_id}", summary="Open a script to somebody", responses=problems(403, 404))
async def add_script_user(script: str, user_id: UUID, actor: RequireUser, session: SessionDep) -> AccessOut:
    """Let somebody use a script. Owner or admin."""
    return await _show_changed(session, await sharing.add_user(session, script, user_id, actor), actor)


@router.delete("/users/{user_id}", summary="Close a script to somebody", responses=problems(403, 404))
async def remove_script_user(
    script: str, user_id: UUID, actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> AccessOut:
    """Take somebody off the list. When nobody is left on it, the script is its owner's alone. Owner or admin."""
    await if_match.check(lambda: _show(session, script, actor))
    return await _show_changed(session, await sharing.remove_user(session, script, user_id, actor), actor)


@router.post("/roles/{role}", summary="Open a script to a role", responses=problems(403, 404))
async def add_script_role(script: str, role: Role, actor: RequireUser, session: SessionDep) -> AccessOut:
    """Let the holders of a role, and of those above it, use a script. Owner or admin."""
    return await _show_changed(session, await sharing.add_role(session, script, role, actor), actor)


@router.delete("/roles/{role}", summary="Close a script to a role", responses=problems(403, 404))
async def remove_script_role(
    script: str, role: Role, actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> AccessOut:
    """Take a role off the list. Owner or admin."""
    await if_match.check(lambda: _show(session, script, actor))
    return await _show_changed(session, await sharing.remove_role(session, script, role, actor), actor)


async def _show(session: AsyncSession, script: str, actor: Actor) -> AccessOut:
    return reading.show_access(await sharing.get_access(session, script, actor))


async def _show_changed(session: AsyncSession, script: Script, actor: Actor) -> AccessOut:
    return await _show(session, str(script.id), actor)
