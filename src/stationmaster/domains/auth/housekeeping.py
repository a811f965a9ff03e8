"""Forgetting what nobody needs any more: done by a duty, a bounded number of rows at a time."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from stationmaster.db.statements import delete_some
from stationmaster.domains.auth.lockout import FORGET_AFTER
from stationmaster.domains.auth.models import AccountToken, LoginFailures, MailRequest
from stationmaster.domains.users import service as users
from stationmaster.kit import clock

KEEP_TOKENS = timedelta(days=1)


async def forget_old(session: AsyncSession) -> int:
    """Delete dead tokens, old failures, and accounts whose address nobody proved; return how many."""
    now = clock.now()
    deleted = await delete_some(session, AccountToken, col(AccountToken.expires_at) < now - KEEP_TOKENS)
    deleted += await delete_some(session, MailRequest, col(MailRequest.requested_at) < now - KEEP_TOKENS)
    deleted += await delete_some(session, LoginFailures, col(LoginFailures.last_failed_at) < now - FORGET_AFTER)
    return deleted + await users.delete_unverified(session)
