"""What becomes of the slots that are due: which run, which do not and why. Pure.

Usually one slot is due and runs. After an outage there may be thousands; the job's `misfire` policy says which of them run
late. Whatever it says, each slot is accounted for: the runs are always the newest ones, and all before them are one gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ConfigDict, Field

from stationmaster.domains.executions.states import Reason
from stationmaster.kit.timetable import RESOLUTION, Timetable, list_newest_between
from stationmaster.web.schema import Input

GRACE = timedelta(seconds=10)
"""A slot noticed within this time was not missed: a change of leader takes up to 7 s."""


class Misfire(Input):
    """What happens when slots were missed because nobody was there to start them.

    `skip`: they are recorded as skipped. `last`: one run, for the newest, and the others are recorded as merged into it.
    `all`: each of them runs, the newest `max_runs` at most. No slot runs more than `max_lateness_seconds` late.
    """

    model_config = ConfigDict(frozen=True)

    policy: Literal["skip", "last", "all"] = Field("last", description="Which missed slots run after all.")
    max_lateness_seconds: float = Field(3600, gt=0, le=86_400 * 366, description="No slot runs later than this.")
    max_runs: int = Field(100, ge=1, le=1000, description="How many missed slots `all` runs at most.")


@dataclass(frozen=True, slots=True)
class Gap:
    """`count` slots, from `first` to `last`, that do not run, for one reason."""

    first: datetime
    last: datetime
    count: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Decision:
    """All due slots of one schedule: the gap, then the `runs`; `newest` is the last of them all, None when none was due."""

    runs: Sequence[datetime]
    gap: Gap | None
    newest: datetime | None
    next_run_at: datetime | None


def decide(timetable: Timetable, due: datetime, now: datetime, misfire: Misfire) -> Decision:
    """Decide the slots from `due` (the earliest undecided one) up to and including `now`."""
    newest = timetable.newest_at_or_before(now)
    if newest is None or newest < due:
        return Decision((), None, None, timetable.next_after(now))
    runs = _choose(timetable, due, newest, now, misfire)
    reason = Reason.MERGED if runs and misfire.policy == "last" else Reason.TOO_LATE
    gap = find_gap(timetable, due, runs[0] if runs else newest + RESOLUTION, reason)
    return Decision(runs, gap, newest, timetable.next_after(newest))


def decide_paused(timetable: Timetable, due: datetime, now: datetime, until: datetime | None) -> Decision:
    """Decide the slots of a pause: none runs. A pause that ends by `until` leaves the slots from then on undecided."""
    end = now + RESOLUTION if until is None or until > now else until
    gap = find_gap(timetable, due, end, Reason.PAUSED)
    return Decision((), gap, gap.last if gap else None, timetable.next_after(max(due, end) - RESOLUTION))


def find_gap(timetable: Timetable, start: datetime, end: datetime, reason: Reason) -> Gap | None:
    """Sum up the slots with start <= slot < end, without walking over them."""
    count = timetable.count_between(start, end)
    if not count:
        return None
    first, last = timetable.next_after(start - RESOLUTION), timetable.newest_at_or_before(end - RESOLUTION)
    assert first is not None
    assert last is not None
    return Gap(first, last, count, reason)


def _choose(
    timetable: Timetable, due: datetime, newest: datetime, now: datetime, misfire: Misfire
) -> Sequence[datetime]:
    """Return the slots that run, oldest first."""
    allowed = timedelta(seconds=misfire.max_lateness_seconds)
    if misfire.policy == "skip":
        allowed = min(allowed, GRACE)
    if now - newest > allowed:
        return ()
    if misfire.policy != "all" or newest == due:
        return (newest,)
    return list_newest_between(timetable, max(due, now - allowed), newest + RESOLUTION, misfire.max_runs)
