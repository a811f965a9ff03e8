"""Ending sessions at their owner's wish."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.auth import repository, sessions
from stationmaster.domains.auth.access_tokens import AccessTokens
from stationmaster.domains.auth.errors import InvalidAccessToken
from stationmaster.domains.auth.models import EndReason
from stationmaster.domains.users import service as users
from stationmaster.kit import tokens


async def find_sessions(
    session: AsyncSession, access: AccessTokens, access_token: str | None, refresh_token: str | None
) -> set[UUID]:
    """Return the sessions that these tokens name, however old the tokens are; anything else names none."""
    named = {_session_of(access, access_token), await find_session_of(session, refresh_token)}
    return {session_id for session_id in named if session_id is not None}


async def find_session_of(session: AsyncSession, refresh_token: str | None) -> UUID | None:
    """Return the session that a refresh token belongs to, used or not."""
    if refresh_token is None or not tokens.is_well_formed(refresh_token, sessions.REFRESH_PREFIX):
        return None
    link = await repository.find_token(session, tokens.digest(refresh_token))
    return link.session_id if link else None


async def log_out(session: AsyncSession, session_ids: Collection[UUID]) -> None:
    """End these sessions, as far as they are going on."""
    if not session_ids:
        audit.leave_out()
    for session_id in sorted(session_ids):
        opened = await repository.find_session(session, session_id)
        if opened is not None:
            audit.name_caller(opened.user_id)
        audit.note(session, "session", session_id)
        await sessions.end(session, session_id, EndReason.LOGOUT)


async def log_out_everywhere(session: AsyncSession, user_id: UUID) -> None:
    """End all sessions of an account."""
    await users.end_everything(session, user_id)


def _session_of(access: AccessTokens, token: str | None) -> UUID | None:
    try:
        return access.read(token, allow_expired=True).session_id if token else None
    except InvalidAccessToken:
        return None
