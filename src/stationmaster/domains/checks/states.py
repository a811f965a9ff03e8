"""What a sign of life does to a check: pure arithmetic on the row, and whether it is worth telling."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from stationmaster.domains.checks.models import Check, CheckState, Signal


@dataclass(frozen=True)
class Sign:
    """A sign of life as it came."""

    signal: Signal
    at: datetime
    exit_code: int | None = None
    method: str | None = None
    address: str | None = None
    user_agent: str | None = None
    body: str | None = None
    execution_id: UUID | None = None


def receive(check: Check, sign: Sign, next_due: datetime | None) -> CheckState | None:
    """Change a check by a sign; return the state that is to be told of: `up` after `down`, and `down`.

    `next_due` is when the sign after this one is expected. A paused check keeps its signs and does not move.
    """
    check.ping_count += 1
    check.last_ping_at = sign.at
    if check.state is CheckState.PAUSED or sign.signal is Signal.LOG:
        return None
    if sign.signal is Signal.START:
        _start(check, sign.at)
        return None
    before = check.state
    _end_run(check, sign.at)
    expect(check, next_due)
    move(check, CheckState.UP if sign.signal is Signal.SUCCESS else CheckState.DOWN, sign.at)
    if check.state is CheckState.DOWN:
        return None if before is CheckState.DOWN else CheckState.DOWN
    return CheckState.UP if before is CheckState.DOWN else None


def expect(check: Check, due_at: datetime | None) -> None:
    """Expect the next sign at an instant."""
    check.due_at = due_at
    check.down_at = None if due_at is None else due_at + grace_of(check)


def move(check: Check, state: CheckState, at: datetime) -> None:
    """Put a check into a state."""
    if check.state is not state:
        check.state, check.state_changed_at = state, at
    check.reminded_at = at if state is CheckState.DOWN else None


def grace_of(check: Check) -> timedelta:
    return timedelta(seconds=check.grace_seconds)


def _start(check: Check, at: datetime) -> None:
    """Begin a run: its end is expected within the grace."""
    check.last_start_at = at
    limit = at + grace_of(check)
    check.down_at = limit if check.down_at is None else min(check.down_at, limit)


def _end_run(check: Check, at: datetime) -> None:
    begun = check.last_start_at
    check.last_duration_seconds = (at - begun).total_seconds() if begun else None
    check.last_start_at = None
