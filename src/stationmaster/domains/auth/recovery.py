"""New passwords: by a mailed link, by their owner, by a superadmin. Each ends all sessions and says so by mail."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.audit import service as audit
from stationmaster.domains.auth import lockout, mailed_tokens
from stationmaster.domains.auth.errors import InvalidMailedToken
from stationmaster.domains.auth.models import Purpose
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users import passwords
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.domains.users.notices import tell
from stationmaster.kit import clock

RESETTING = (Purpose.RESET_PASSWORD,)


async def mail_link(session: AsyncSession, user: User, *, outbox: Outbox) -> None:
    """Mail somebody the link by which they set a new password."""
    audit.note(session, "user", user.id)
    issued = await mailed_tokens.issue(session, user, Purpose.RESET_PASSWORD, email=user.email)
    url = issued.url(outbox.public_url)
    await tell(session, outbox, user, "reset_password", about=issued.token.id, url=url, hours=issued.hours)


async def hash_for_reset(database: Database, text: str, password: str, *, min_length: int) -> str:
    """Check a new password against its future owner's facts, and hash it, before the token is used up.

    Raises:
        InvalidMailedToken: the token is unknown, used or too old.
        WeakPassword: the password is refused; the token can still be used.
    """
    async with read_only(database) as session:
        token = await mailed_tokens.find(session, text, RESETTING)
        user = await users.find_user(session, token.user_id) if token else None
    if user is None:
        raise InvalidMailedToken
    return await hash_for(user, password, min_length=min_length)


async def hash_for(user: User, password: str, *, min_length: int) -> str:
    """Check a new password of somebody and hash it.

    Raises:
        WeakPassword: it is refused.
    """
    context = [user.email, user.username, user.name]
    return await passwords.hash_new(password, context=context, min_length=min_length, pointer="/new_password")


async def reset(session: AsyncSession, text: str, password_hash: str, *, outbox: Outbox) -> None:
    """Use a mailed token to set a new password; it also proves the address and opens a lock.

    Raises:
        InvalidMailedToken: it is unknown, used or too old.
    """
    token = await mailed_tokens.use(session, text, RESETTING)
    if token is None:
        raise InvalidMailedToken
    audit.name_caller(token.user_id)
    user = await set_password(session, token.user_id, password_hash, outbox=outbox)
    if user.email == token.email:
        user.email_verified_at = user.email_verified_at or clock.now()
        await session.flush()


async def set_password(session: AsyncSession, user_id: UUID, password_hash: str, *, outbox: Outbox) -> User:
    """Store a new password, end all sessions, open a lock, and tell the owner.

    Raises:
        NotFound: there is no such account.
    """
    user = await users.set_password(session, user_id, password_hash)
    await lockout.forget(session, lockout.subject_of(user.id, ""))
    # The mail carries a way back for an owner who did not do this.
    issued = await mailed_tokens.issue(session, user, Purpose.RESET_PASSWORD, email=user.email)
    await tell(
        session,
        outbox,
        user,
        "password_changed",
        about=issued.token.id,
        url=issued.url(outbox.public_url),
        at=mailed_tokens.at(clock.now()),
    )
    return user


async def unlock(session: AsyncSession, user_id: UUID) -> None:
    """Let somebody try to log in again at once.

    Raises:
        NotFound: there is no such account.
    """
    user = await users.get_user(session, user_id)
    audit.note(session, "user", user.id)
    await lockout.forget(session, lockout.subject_of(user.id, ""))
