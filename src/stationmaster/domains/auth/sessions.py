"""Opening, checking and ending sessions."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import TokenSettings
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.auth import repository
from stationmaster.domains.auth.access_tokens import AccessTokens, Claims
from stationmaster.domains.auth.grant import Grant
from stationmaster.domains.auth.models import EndReason, RefreshToken, UserSession
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.errors import NotFound
from stationmaster.identity.actor import Actor
from stationmaster.kit import clock, tokens

REFRESH_PREFIX = "smr_"
MAX_DEVICE_INFO = 500


async def open_session(
    session: AsyncSession, user: User, *, access: AccessTokens, settings: TokenSettings, device_info: str
) -> Grant:
    """Begin a session of an account and hand out its first pair of tokens."""
    now = clock.now()
    opened = UserSession(
        user_id=user.id,
        user_version=user.version,
        created_at=now,
        last_used_at=now,
        expires_at=now + settings.refresh_absolute,
        device_info=device_info[:MAX_DEVICE_INFO],
    )
    session.add(opened)
    await session.flush()
    return await hand_out(session, user, opened, access=access, idle=settings.refresh_idle, predecessor=None)


async def hand_out(
    session: AsyncSession,
    user: User,
    opened: UserSession,
    *,
    access: AccessTokens,
    idle: timedelta,
    predecessor: RefreshToken | None,
) -> Grant:
    """Make the next pair of tokens of a session."""
    now = clock.now()
    refresh_token = tokens.new_token(REFRESH_PREFIX)
    link = RefreshToken(
        session_id=opened.id,
        token_hash=tokens.digest(refresh_token),
        predecessor_id=predecessor.id if predecessor else None,
        created_at=now,
        expires_at=min(now + idle, opened.expires_at),
    )
    session.add(link)
    opened.last_used_at = now
    await session.flush()
    return Grant(
        user=user,
        session_id=opened.id,
        access_token=access.issue(Claims(user_id=user.id, session_id=opened.id)),
        refresh_token=refresh_token,
        expires_in_seconds=int(access.lifetime.total_seconds()),
        refresh_expires_at=link.expires_at,
    )


async def find_actor(session: AsyncSession, claims: Claims) -> Actor | None:
    """Return who the claims stand for, or None when that session does not count any more."""
    opened = await repository.find_session(session, claims.session_id)
    if opened is None or opened.user_id != claims.user_id:
        return None
    user = await users.find_user(session, opened.user_id)
    return _actor_of(user, opened.id) if user and is_going(opened, user) else None


def is_going(opened: UserSession, user: User) -> bool:
    """Say whether a session counts: not ended, not too old, begun under the account's present version."""
    is_current = opened.ended_at is None and opened.expires_at > clock.now() and opened.user_version == user.version
    return is_current and user.is_active and user.is_approved


async def list_statement(session: AsyncSession, user_id: UUID) -> sa.Select[UserSession]:
    """Make the SELECT of an account's sessions that count, for a page of it.

    Raises:
        NotFound: there is no such account.
    """
    return repository.list_sessions_statement(await users.get_user(session, user_id), clock.now())


async def list_of_person(session: AsyncSession, user_id: UUID) -> list[UserSession]:
    """Return all sessions of somebody that are still stored, also those that are over."""
    return await repository.list_all_sessions(session, user_id)


async def end_own(session: AsyncSession, user_id: UUID, session_id: UUID) -> None:
    """End one of somebody's own sessions.

    Raises:
        NotFound: it is over, or not theirs.
    """
    opened = await repository.find_session(session, session_id)
    is_theirs = opened is not None and opened.user_id == user_id
    if not is_theirs or not await end(session, session_id, EndReason.REVOKED):
        raise NotFound("session", session_id)
    audit.note(session, "session", session_id)


async def end(session: AsyncSession, session_id: UUID, reason: EndReason) -> bool:
    """End a session and tell all replicas; say whether it was still going."""
    was_going = await repository.end_session(session, session_id, now=clock.now(), reason=reason)
    notify(session, Wake.IDENTITY)
    return was_going


def _actor_of(user: User, session_id: UUID) -> Actor:
    return Actor(
        kind="user",
        id=user.id,
        user_id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        is_verified=user.is_verified,
        session_id=session_id,
    )
