"""Accounts, for those who manage them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import Field

from stationmaster.domains.outbox.dependencies import OutboxDep
from stationmaster.domains.users import management, passwords
from stationmaster.domains.users import service as users
from stationmaster.domains.users.schemas import UserCreate, UserPatch, UserRead
from stationmaster.domains.users.service import NewUser
from stationmaster.identity.actor import Role
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.web.application import SettingsDep
from stationmaster.web.openapi import problems
from stationmaster.web.paging import Page, PageParams, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/users", tags=["users"])


class UserListParams(PageParams):
    """Which accounts, and which page of them."""

    role: Role | None = Field(None, description="Only accounts with this role.")
    is_active: bool | None = Field(None, description="Only active, or only inactive accounts.")


@router.get("", summary="List users", response_model=Page[UserRead])
async def list_users(
    params: Annotated[UserListParams, Query()],
    session: ReadSessionDep,
    _actor: RequireAdmin,
    request: Request,
    response: Response,
) -> Any:
    """List all accounts, oldest first. For admins."""
    statement = users.list_statement(role=params.role, is_active=params.is_active)
    return await paginate(session, statement, params, request=request, response=response)


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
    user_id: UUID, body: UserPatch, session: SessionDep, actor: RequireAdmin, outbox: OutboxDep
) -> UserRead:
    """Change an account. An admin changes viewers and users, a superadmin everyone.

    A new role is in force within 5 seconds. Deactivating ends all sessions. The last active superadmin stays one (409).
    """
    user = await management.update_user(session, actor, user_id, body.model_dump(exclude_unset=True), outbox=outbox)
    return UserRead.of(user)


@router.delete(
    "/{user_id}",
    summary="Delete a user",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(409),
)
async def delete_user(user_id: UUID, session: SessionDep, actor: RequireAdmin) -> None:
    """Delete an account with its sessions and keys; what it owned stays, without an owner.

    An admin deletes viewers and users, a superadmin everyone but the last active superadmin (409).
    """
    await management.delete_user_as(session, actor, user_id)
