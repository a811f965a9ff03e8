"""Exchanging a refresh token for the next pair, once.

Whoever exchanges locks the session row first, so exchanges of one session queue. What the second of two parallel
uses finds:

    unused                                         used now; a successor is given
    used under GRACE ago, successor unused         the answer may have been lost: successor voided, another given
    used long ago, or successor used, or voided    two parties hold it: the session ends
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import TokenSettings
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.audit import service as audit
from stationmaster.domains.auth import mailed_tokens, repository, sessions
from stationmaster.domains.auth.access_tokens import AccessTokens
from stationmaster.domains.auth.errors import InvalidRefreshToken
from stationmaster.domains.auth.grant import Grant
from stationmaster.domains.auth.models import EndReason, Purpose, RefreshToken, UserSession
from stationmaster.domains.auth.sessions import REFRESH_PREFIX
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.domains.users.notices import tell
from stationmaster.kit import clock, tokens

logger = logging.getLogger(__name__)

GRACE = timedelta(seconds=10)


async def refresh(
    database: Database, refresh_token: str, *, access: AccessTokens, settings: TokenSettings, outbox: Outbox
) -> Grant:
    """Exchange a refresh token, in a transaction of its own: the end of a session must survive the refusal.

    Raises:
        InvalidRefreshToken: it is unknown, too old or used before, or its session does not count any more.
    """
    if not tokens.is_well_formed(refresh_token, REFRESH_PREFIX):
        raise InvalidRefreshToken
    async with unit_of_work(database) as session:
        grant = await _exchange(session, tokens.digest(refresh_token), access=access, settings=settings, outbox=outbox)
    if grant is None:
        raise InvalidRefreshToken
    return grant


async def _exchange(
    session: AsyncSession, token_hash: str, *, access: AccessTokens, settings: TokenSettings, outbox: Outbox
) -> Grant | None:
    found = await _find_locked(session, token_hash)
    if found is None:
        return None
    token, opened, user = found
    audit.mention("session", opened.id)
    if not await _use(session, token):
        await _end_and_warn(session, opened, user, outbox)
        return None
    audit.name_caller(user.id)
    audit.note(session, "session", opened.id)
    return await sessions.hand_out(session, user, opened, access=access, idle=settings.refresh_idle, predecessor=token)


async def _end_and_warn(session: AsyncSession, opened: UserSession, user: User, outbox: Outbox) -> None:
    logger.warning("session.reuse", extra={"session_id": str(opened.id), "user_id": str(user.id)})
    await sessions.end(session, opened.id, EndReason.REUSE)
    issued = await mailed_tokens.issue(session, user, Purpose.RESET_PASSWORD, email=user.email)
    url, at = issued.url(outbox.public_url), mailed_tokens.at(clock.now())
    await tell(session, outbox, user, "session_ended", about=opened.id, url=url, at=at)


async def _find_locked(session: AsyncSession, token_hash: str) -> tuple[RefreshToken, UserSession, User] | None:
    """Return token, session (locked) and account as they are now, while all of them count."""
    seen = await repository.find_token(session, token_hash)
    opened = await repository.find_session_locked(session, seen.session_id) if seen else None
    user = await users.find_user(session, opened.user_id) if opened else None
    token = await repository.find_token(session, token_hash)
    if opened is None or user is None or token is None or not sessions.is_going(opened, user):
        return None
    return None if _is_idle(token) else (token, opened, user)


def _is_idle(token: RefreshToken) -> bool:
    """Say whether a token died because nobody used it in its time."""
    return token.used_at is None and token.voided_at is None and token.expires_at <= clock.now()


async def _use(session: AsyncSession, token: RefreshToken) -> bool:
    """Mark a token used; say whether this use is a rightful one."""
    now = clock.now()
    if token.voided_at is not None:
        return False
    if token.used_at is None:
        token.used_at = now
        return True
    return await _take_back_successor(session, token, now)


async def _take_back_successor(session: AsyncSession, token: RefreshToken, now: datetime) -> bool:
    successor = await repository.find_successor(session, token)
    is_lost_answer = token.used_at is not None and now - token.used_at <= GRACE
    if not is_lost_answer or successor is None or successor.used_at is not None:
        return False
    successor.voided_at = now
    return True
