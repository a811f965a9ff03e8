"""Accounts that people make for themselves.

Whether an address has an account already is told to that address only, by mail; the answer is the same. An account whose
address was never proven is nobody's: registering again replaces it, so that no stranger can keep an address occupied, or
leave a password of theirs on an account that its owner then confirms.
"""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.auth import mailed_tokens
from stationmaster.domains.auth.errors import InvalidMailedToken
from stationmaster.domains.auth.models import AccountToken, Purpose
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.domains.users.notices import tell
from stationmaster.domains.users.service import NewUser
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.emails import normalise_email
from stationmaster.kit.ids import new_id

PROVING = (Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL)


async def register(session: AsyncSession, new: NewUser, *, password_hash: str, outbox: Outbox) -> None:
    """Store an account that may only verify its address, and mail the link; or mail its owner that there is one."""
    known = await users.find_by_login(session, new.email)
    purpose = Purpose.RESET_PASSWORD if known and _is_somebodys(known) else Purpose.VERIFY_EMAIL
    is_due = await mailed_tokens.may_send(session, purpose, normalise_email(new.email))
    if known is not None and not is_due:
        return  # the mail of a moment ago still counts: whoever sends a form twice must not lose it
    if known is not None and _is_somebodys(known):
        await _imitate_creation(session, new, password_hash)
        await _mail_that_there_is_one(session, outbox, known)
        return
    if known is not None:
        await session.delete(known)
        await session.flush()
    user, is_username_taken = await _create(session, new, password_hash)
    await _mail_link(session, outbox, user, is_username_taken=is_username_taken)


async def _create(session: AsyncSession, new: NewUser, password_hash: str) -> tuple[User, bool]:
    """Store an unverified account, without the user name if that is taken; return it and whether it was."""
    is_username_taken = new.username is not None and await users.find_by_login(session, new.username) is not None
    unverified = replace(new, is_verified=False, username=None if is_username_taken else new.username)
    return await users.create_user(session, unverified, password_hash=password_hash), is_username_taken


async def _imitate_creation(session: AsyncSession, new: NewUser, password_hash: str) -> None:
    """Take the time that creating an account takes, and take the account back.

    Measured, answers for known addresses came 4 ms sooner without it: enough to tell which have an account.
    """
    savepoint = await session.begin_nested()
    await _create(session, replace(new, email=f"{new_id().hex}@nowhere.invalid"), password_hash)
    await savepoint.rollback()


async def _mail_that_there_is_one(session: AsyncSession, outbox: Outbox, user: User) -> None:
    audit.note(session, "user", user.id)
    issued = await mailed_tokens.issue(session, user, Purpose.RESET_PASSWORD, email=user.email)
    await tell(session, outbox, user, "account_exists", about=issued.token.id, url=issued.url(outbox.public_url))


async def mail_link_if_unverified(session: AsyncSession, user: User, *, outbox: Outbox) -> None:
    """Mail somebody the link that proves their address, if they still need one."""
    if user.is_active and not user.is_verified:
        await _mail_link(session, outbox, user, is_username_taken=False)


async def verify(session: AsyncSession, text: str, *, outbox: Outbox) -> User:
    """Take a mailed token as proof of an address: a new account's, or the new one of an old account.

    Raises:
        InvalidMailedToken: it is unknown, used or too old, or the account has another address by now.
        AlreadyExists: another account has that address by now.
    """
    token = await mailed_tokens.use(session, text, PROVING)
    if token is None:
        raise InvalidMailedToken
    audit.name_caller(token.user_id)
    user = await users.get_locked(session, token.user_id)
    if token.purpose is Purpose.CHANGE_EMAIL:
        return await _change_address(session, user, token, outbox)
    if user.email != token.email:
        raise InvalidMailedToken
    return await _confirm_account(session, user, outbox)


def _is_somebodys(user: User) -> bool:
    """Say whether an account is proven, or was given rights by an administrator: neither is replaced."""
    return user.is_verified or user.role.includes(Role.ADMIN)


async def _confirm_account(session: AsyncSession, user: User, outbox: Outbox) -> User:
    was_verified, before = user.is_verified, snapshot(user)
    user.email_verified_at = user.email_verified_at or clock.now()
    await session.flush()
    audit.note(session, "user", user.id, before=before, after=snapshot(user))
    notify(session, Wake.IDENTITY)
    if not was_verified and not user.is_approved:
        for admin in await users.list_administrators(session):
            await tell(session, outbox, admin, "approval_needed", about=user.id, applicant_email=user.email)
    return user


async def _change_address(session: AsyncSession, user: User, token: AccountToken, outbox: Outbox) -> User:
    old_email = user.email
    await users.change(session, user, {"email": token.email})
    await tell(session, outbox, user, "email_changed", about=token.id, recipient=old_email, new_email=token.email)
    return user


async def _mail_link(session: AsyncSession, outbox: Outbox, user: User, *, is_username_taken: bool) -> None:
    issued = await mailed_tokens.issue(session, user, Purpose.VERIFY_EMAIL, email=user.email)
    await tell(
        session,
        outbox,
        user,
        "verify_email",
        about=issued.token.id,
        url=issued.url(outbox.public_url),
        hours=issued.hours,
        is_username_taken=is_username_taken,
    )
