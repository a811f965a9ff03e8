"""Refusing to be guessed at: a delay that grows with each failed login and always ends.

Counted per account. A name that no account has is counted too, under its digest, so that an answer never tells
which it is.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import LoginSettings
from stationmaster.domains.auth import repository
from stationmaster.domains.auth.errors import TooManyFailures
from stationmaster.kit import clock, tokens

FORGET_AFTER = timedelta(days=1)


def subject_of(user_id: UUID | None, identifier: str) -> str:
    """Name what failures are counted for; `identifier` is what was typed, in lower case."""
    return tokens.digest(f"account {user_id}" if user_id else f"name {identifier}")


async def check(session: AsyncSession, subject: str) -> None:
    """Let a login try pass, or not.

    Raises:
        TooManyFailures: not yet; says for how long.
    """
    locked_until = await repository.find_lock(session, subject)
    wait = (locked_until - clock.now()).total_seconds() if locked_until else 0
    if wait > 0:
        raise TooManyFailures(wait)


async def record_failure(session: AsyncSession, subject: str, settings: LoginSettings) -> None:
    """Count a failed login, and refuse further ones for a while where there were several."""
    now = clock.now()
    count = await repository.count_failure(session, subject, now=now, forget_before=now - FORGET_AFTER)
    locked_until = _locked_until(count, now, settings)
    if locked_until:
        await repository.lock(session, subject, locked_until)


async def forget(session: AsyncSession, subject: str) -> None:
    """Start counting anew, after a login or when an administrator says so."""
    await repository.delete_failures(session, subject)


def _locked_until(count: int, now: datetime, settings: LoginSettings) -> datetime | None:
    """Return when the next try is allowed after `count` failures in a row."""
    over = count - settings.free_failures
    if over < 0:
        return None
    # 2**30 s is beyond every limit; higher powers would only overflow.
    delay: timedelta = settings.first_delay * 2 ** min(over, 30)
    return now + min(delay, settings.max_delay)
