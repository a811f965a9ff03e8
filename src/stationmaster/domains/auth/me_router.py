"""One's own account."""

from uuid import UUID

from fastapi import APIRouter, status
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.auth import account, recovery
from stationmaster.domains.auth.desk import DeskDep
from stationmaster.domains.auth.schemas import Deletion, PasswordChange, ProfilePatch
from stationmaster.domains.users import management
from stationmaster.domains.users import service as users
from stationmaster.domains.users.schemas import UserRead
from stationmaster.identity.dependencies import CurrentActor, CurrentPerson
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/users/me", tags=["users"], route_class=Operation)


@router.get("", summary="Read own account")
async def get_own_account(session: ReadSessionDep, actor: CurrentActor) -> UserRead:
    """Return your account; with an API key, its owner's."""
    return UserRead.of(await users.get_user(session, actor.user_id))


@router.patch("", summary="Change own account", responses=problems(409, 429))
async def patch_own_account(
    body: ProfilePatch, session: SessionDep, actor: CurrentPerson, desk: DeskDep, if_match: IfMatchDep
) -> UserRead:
    """Change your name, user name, country, institution, or e-mail address.

    A new address needs `current_password` and counts once it is confirmed: a link is mailed to it, and a warning to the old
    address. The answer does not tell whether another account has it.
    """
    changes = body.model_dump(exclude_unset=True, exclude={"current_password"})
    if body.current_password is not None:
        await desk.prove_own(actor, body.current_password)
    await if_match.check(lambda: _show_own(session, actor.user_id))
    return UserRead.of(await account.update_profile(session, actor.user_id, changes, outbox=desk.outbox))


@router.delete("", summary="Delete own account", status_code=status.HTTP_204_NO_CONTENT, responses=problems(409, 429))
async def delete_own_account(
    body: Deletion, session: SessionDep, actor: CurrentPerson, desk: DeskDep, if_match: IfMatchDep
) -> None:
    """Delete your account with its sessions, keys and preferences. What you own stays, without an owner.

    The last active superadmin stays (409).
    """
    await desk.prove_own(actor, body.current_password)
    await if_match.check(lambda: _show_own(session, actor.user_id))
    await management.delete_own(session, actor.user_id)


@router.post(
    "/change-password",
    summary="Change own password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(429),
)
async def change_own_password(body: PasswordChange, session: SessionDep, actor: CurrentPerson, desk: DeskDep) -> None:
    """Set a new password. All your sessions end, this one included: log in again with the new one."""
    user = await desk.prove_own(actor, body.current_password)
    password_hash = await recovery.hash_for(user, body.new_password, min_length=desk.min_length)
    await recovery.set_password(session, actor.user_id, password_hash, outbox=desk.outbox)


async def _show_own(session: AsyncSession, user_id: UUID) -> UserRead:
    return UserRead.of(await management.lock_for_change(session, user_id))
