"""Other people's passwords and locks, for superadmins."""

from uuid import UUID

from fastapi import APIRouter, status

from stationmaster.db.session import read_only
from stationmaster.domains.auth import recovery
from stationmaster.domains.auth.desk import DeskDep
from stationmaster.domains.auth.schemas import MailAccepted, NewPasswordRequest
from stationmaster.domains.users import service as users
from stationmaster.identity.dependencies import RequireSuperadmin
from stationmaster.web.operation import Operation
from stationmaster.web.session import SessionDep

router = APIRouter(prefix="/users/{user_id}", tags=["users"], route_class=Operation)


@router.post("/change-password", summary="Set a user's password", status_code=status.HTTP_204_NO_CONTENT)
async def change_password(
    user_id: UUID, body: NewPasswordRequest, session: SessionDep, _actor: RequireSuperadmin, desk: DeskDep
) -> None:
    """Set somebody's password. All their sessions end, and a mail tells them."""
    async with read_only(desk.database) as reading:
        user = await users.get_user(reading, user_id)
    password_hash = await recovery.hash_for(user, body.new_password, min_length=desk.min_length)
    await recovery.set_password(session, user_id, password_hash, outbox=desk.outbox)


@router.post("/recover-password", summary="Mail a user a way to a new password", status_code=status.HTTP_202_ACCEPTED)
async def recover_password(
    user_id: UUID, session: SessionDep, _actor: RequireSuperadmin, desk: DeskDep
) -> MailAccepted:
    """Mail somebody a link that sets a new password, once, within an hour."""
    await recovery.mail_link(session, await users.get_user(session, user_id), outbox=desk.outbox)
    return MailAccepted()


@router.post("/unlock", summary="Unlock a user", status_code=status.HTTP_204_NO_CONTENT)
async def unlock_user(user_id: UUID, session: SessionDep, _actor: RequireSuperadmin) -> None:
    """Let somebody log in again at once after too many failures."""
    await recovery.unlock(session, user_id)
