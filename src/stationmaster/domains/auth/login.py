"""From a password to a session."""

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.audit import service as audit
from stationmaster.domains.auth import lockout, sessions
from stationmaster.domains.auth.access_tokens import AccessTokens
from stationmaster.domains.auth.errors import AccountInactive, AccountNotApproved, WrongCredentials
from stationmaster.domains.auth.grant import Grant
from stationmaster.domains.auth.proof import prove
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User


async def log_in(
    database: Database,
    *,
    identifier: str,
    password: str,
    access: AccessTokens,
    settings: Settings,
    device_info: str,
) -> Grant:
    """Open a session for whoever knows the password of the account that `identifier` (e-mail or user name) names.

    Raises:
        WrongCredentials: unknown account or wrong password.
        TooManyFailures: tries are refused for a while.
        AccountInactive, AccountNotApproved: the password is right, and still.
    """
    name = identifier.strip().lower()
    async with read_only(database) as session:
        user = await users.find_by_login(session, name)
    if user is not None:
        audit.mention("user", user.id)
    subject = lockout.subject_of(user.id if user else None, name)
    new_hash = await prove(database, user, password, subject=subject, settings=settings.login)
    async with unit_of_work(database) as session:
        current = await users.get_unchanged(session, user) if user else None
        if current is None:
            raise WrongCredentials
        _check_may_enter(current)
        await lockout.forget(session, subject)
        await users.record_login(session, current.id, password_hash=new_hash)
        grant = await sessions.open_session(
            session, current, access=access, settings=settings.tokens, device_info=device_info
        )
        audit.name_caller(current.id)
        audit.note(session, "session", grant.session_id)
        return grant


def _check_may_enter(user: User) -> None:
    if not user.is_active:
        raise AccountInactive
    if not user.is_approved:
        raise AccountNotApproved
