"""Taking a sign of life in: keep it, move the check, and tell what is to be told, in one transaction."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.checks import alerts, repository
from stationmaster.domains.checks.expectation import next_due
from stationmaster.domains.checks.models import Check, CheckState, Ping, Signal
from stationmaster.domains.checks.states import Sign, receive
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.errors import NotFound

MAX_BODY = 10_000
MAX_USER_AGENT = 300
KEEP = 100
"""Signs that are kept of each check."""
SUCCESSFUL = frozenset({State.SUCCEEDED})
UNSUCCESSFUL = frozenset({State.FAILED, State.TIMED_OUT, State.LOST})


async def take_ping(session: AsyncSession, key: str, sign: Sign) -> None:
    """Take a sign that came to a ping address.

    Raises:
        NotFound: no check has this key.
    """
    check = await repository.find_by_ping_key(session, key)
    if check is None:
        raise NotFound("check", "with this key")
    await take(session, check, sign)


async def take_ends(session: AsyncSession, check: Check, newest: Sequence[Execution]) -> None:
    """Take the ends of executions that a check has not seen yet as signs, in the order in which they ended."""
    seen = check.last_ping_at or check.created_at
    ended = [each for each in newest if each.finished_at is not None and each.finished_at > seen]
    for execution in sorted(ended, key=lambda each: (each.finished_at, each.id)):
        if execution.state in SUCCESSFUL | UNSUCCESSFUL:
            await take(session, check, _sign_of(execution))


async def take(session: AsyncSession, check: Check, sign: Sign) -> None:
    """Take a sign of a check that is locked."""
    before = check.state_changed_at
    told = receive(check, sign, await next_due(session, check, sign.at))
    session.add(_ping(check, sign))
    await session.flush()
    if told is CheckState.DOWN:
        await alerts.tell_change(session, check, _describe_failure(check, sign))
    elif told is CheckState.UP:
        seconds = (sign.at - before).total_seconds()
        await alerts.tell_change(session, check, f"{check.name} gave a sign of life, after {seconds:.0f} seconds down.")


async def now_sign(session: AsyncSession, signal: Signal) -> Sign:
    """Make a sign that comes now."""
    return Sign(signal, await database_now(session))


async def forget_old(session: AsyncSession) -> int:
    """Delete all but the newest signs of each check; return how many there were."""
    return await repository.delete_pings_beyond(session, KEEP)


def _sign_of(execution: Execution) -> Sign:
    assert execution.finished_at is not None
    is_success = execution.state in SUCCESSFUL
    return Sign(
        Signal.SUCCESS if is_success else Signal.FAIL,
        execution.finished_at,
        body=None if is_success else execution.error,
        execution_id=execution.id,
    )


def _ping(check: Check, sign: Sign) -> Ping:
    return Ping(
        check_id=check.id,
        signal=sign.signal,
        exit_code=sign.exit_code,
        at=sign.at,
        method=sign.method,
        address=sign.address,
        user_agent=sign.user_agent[:MAX_USER_AGENT] if sign.user_agent else None,
        body=sign.body[:MAX_BODY] if sign.body else None,
        execution_id=sign.execution_id,
        duration_seconds=check.last_duration_seconds if sign.signal in {Signal.SUCCESS, Signal.FAIL} else None,
    )


def _describe_failure(check: Check, sign: Sign) -> str:
    if sign.exit_code is not None:
        return f"{check.name} reported a failure: exit code {sign.exit_code}."
    if sign.execution_id is not None:
        return f"The execution of the job that {check.name} watches failed."
    return f"{check.name} reported a failure."
