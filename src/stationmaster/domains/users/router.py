"""Accounts, for those who manage them."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.outbox.dependencies import OutboxDep
from stationmaster.domains.users import management, passwords
from stationmaster.domains.users import service as users
from stationmaster.domains.users.listing import USERS, ReadScripts, UserItem
from stationmaster.domains.users.models import User
from stationmaster.domains.users.schemas import UserCreate, UserPatch, UserRead
from stationmaster.domains.users.service import NewUser
from stationmaster.identity.actor import Actor, Role
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.web.application import SettingsDep
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParams, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/users", tags=["users"], route_class=Operation)


class UserListParams(PageParams):
    """Which accounts, and which page of them."""

    role: Role | None = Field(None, description="Only accounts with this role.")
    is_active: bool | None = Field(None, description="Only active, or only inactive accounts.")


async def get_script_reader(request: Request) -> ReadScripts:
    """Return what reads the scripts of accounts."""
    read: ReadScripts = request.app.state.read_user_scripts
    return read


UserQueryDep = Annotated[ListQuery, Depends(list_query(USERS, UserItem, default_sort="created_at"))]


@router.get("", summary="List users")
async def list_users(
    params: Annotated[UserListParams, Query()],
    query: UserQueryDep,
    session: ReadSessionDep,
    actor: RequireAdmin,
    read_scripts: Annotated[ReadScripts, Depends(get_script_reader)],
    request: Request,
    response: Response,
) -> Page[UserItem]:
    """List all accounts, oldest first. For admins."""
    plan = query.plan(is_admin=actor.is_admin)

    async def show(rows: Sequence[User]) -> list[UserItem]:
        ids = [row.id for row in rows]
        scripts = await read_scripts(session, ids) if "scripts" in plan.fields else {}
        return [make_item(UserItem, UserRead.of(row), plan.fields, scripts=scripts.get(row.id, [])) for row in rows]

    page: Page[UserItem] = await paginate(
        session,
        plan.narrow(users.list_statement(role=params.role, is_active=params.is_active)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=show,
    )
    return page


@router.post(
    "",
    summary="Create a user",
    status_code=status.HTTP_201_CREATED,
    responses=problems(409),
)
async def create_user(
    body: UserCreate,
    session: SessionDep,
    actor: RequireAdmin,
    settings: SettingsDep,
    response: Response,
) -> UserRead:
    """Create an account whose e-mail address counts as verified.

    An admin creates viewers and users, a superadmin every role.
    """
    facts = body.model_dump(exclude={"password"})
    password_hash = await passwords.hash_new(
        body.password,
        context=[body.email, body.username, body.name],
        min_length=settings.login.password_min_length,
    )
    user = await management.create_user_as(session, actor, NewUser(**facts), password_hash=password_hash)
    response.headers["Location"] = f"/api/v1/users/{user.id}"
    return UserRead.of(user)


@router.get("/{user_id}", summary="Read a user")
async def get_user(user_id: UUID, session: ReadSessionDep, _actor: RequireAdmin) -> UserRead:
    """Return one account. For admins."""
    return UserRead.of(await users.get_user(session, user_id))


@router.patch("/{user_id}", summary="Change a user", responses=problems(409))
async def patch_user(
    user_id: UUID,
    body: UserPatch,
    session: SessionDep,
    actor: RequireAdmin,
    outbox: OutboxDep,
    if_match: IfMatchDep,
) -> UserRead:
    """Change an account. An admin changes viewers and users, a superadmin everyone.

    A new role is in force within 5 seconds. Deactivating ends all sessions. The last active superadmin stays one (409).
    """
    await if_match.check(lambda: _show_managed(session, actor, user_id))
    user = await management.update_user(session, actor, user_id, body.model_dump(exclude_unset=True), outbox=outbox)
    return UserRead.of(user)


@router.delete(
    "/{user_id}",
    summary="Delete a user",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(409),
)
async def delete_user(user_id: UUID, session: SessionDep, actor: RequireAdmin, if_match: IfMatchDep) -> None:
    """Delete an account with its sessions and keys; what it owned stays, without an owner.

    An admin deletes viewers and users, a superadmin everyone but the last active superadmin (409).
    """
    await if_match.check(lambda: _show_managed(session, actor, user_id))
    await management.delete_user_as(session, actor, user_id)


async def _show_managed(session: AsyncSession, actor: Actor, user_id: UUID) -> UserRead:
    return UserRead.of(await management.lock_for_change(session, user_id, actor))
