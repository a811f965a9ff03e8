"""Slots of a cron expression in a time zone, through clock changes.

A zone's time is cut into stretches of constant offset (`stationmaster.kit.zone`). Inside one, wall time and UTC run
together, so slots are wall-clock arithmetic; all that is particular happens where two stretches meet:

*Gap* (clocks go forward): wall times that do not exist. `run_after`: if any slot is among them, there is one at the first
instant after the gap; several fall together, also with a slot planned for that very instant. `skip`: they are left out.

*Fold* (clocks go back): wall times that come twice. `first`: a slot counts at the first of the two; `second`: at the second;
`both`: at both.

These choices are for fixed hours. An expression whose hour field covers all 24 hours (`*`, `*/1`, `0-23`, ...) follows
elapsed time instead, whatever the choices say: in the repeated hour it fires in both passes, in the gap there is nothing to
fire in. Hence `*/15 * * * *` is every quarter of an hour, always. All other hour fields are fixed, `*/2` too: each day has
its wall times, and the choices above say what a change does to them.

Slots strictly increase in UTC. Outside the years 3 to 9997 there are none.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from stationmaster.kit import cron_words
from stationmaster.kit.cron import Cron
from stationmaster.kit.cron_wall import count_slots, next_slot, previous_slot
from stationmaster.kit.timetable import RESOLUTION
from stationmaster.kit.zone import EARLIEST, LATEST, Stretch, from_wall, stretch_at, to_wall

# No slot is farther than this from its wall time read as UTC: offsets are under 16 hours, gaps at most a day.
_MARGIN = timedelta(days=2)
_DAY_MINUTES = 1_440
_NO_TIME = timedelta(0)


class DstGap(StrEnum):
    """What becomes of a planned wall time that clocks jump over."""

    RUN_AFTER = "run_after"
    SKIP = "skip"


class DstFold(StrEnum):
    """Which of the two instants counts for a planned wall time that comes twice."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class _Window:
    """What a timetable sees of a stretch: wall times from `first` to before `last`, and maybe a slot right after a gap."""

    first: datetime
    last: datetime
    after_gap: datetime | None


@dataclass(frozen=True)
class CronTimetable:
    """Slots of an expression in a zone; see the module for its clock-change choices."""

    cron: Cron
    zone: tzinfo
    gap: DstGap = DstGap.RUN_AFTER
    fold: DstFold = DstFold.FIRST

    def next_after(self, instant: datetime) -> datetime | None:
        if instant >= LATEST:
            return None
        position = max(instant + RESOLUTION, EARLIEST)
        while position < LATEST:
            stretch = stretch_at(self.zone, position)
            window = self._look_at(stretch)
            if window.after_gap is not None and window.after_gap >= position:
                return window.after_gap
            wall = next_slot(self.cron, max(window.first, to_wall(position, stretch.offset)))
            if wall is None:
                return None
            if wall < window.last:
                return from_wall(wall, stretch.offset)
            # After a fold the clock shows times before the one searched from, so the next stretch must be looked at.
            position = stretch.end if stretch.jump_out < _NO_TIME else max(stretch.end, _read_as_utc(wall) - _MARGIN)
        return None

    def newest_at_or_before(self, instant: datetime) -> datetime | None:
        position = min(instant, LATEST - RESOLUTION)
        while position >= EARLIEST:
            stretch = stretch_at(self.zone, position)
            window = self._look_at(stretch)
            wall = previous_slot(self.cron, min(window.last - RESOLUTION, to_wall(position, stretch.offset)))
            if wall is not None and wall >= window.first:
                return from_wall(wall, stretch.offset)
            if window.after_gap is not None:
                return window.after_gap
            if wall is None:
                return None
            before = stretch.start - RESOLUTION
            position = before if stretch.jump_in < _NO_TIME else min(before, _read_as_utc(wall) + _MARGIN)
        return None

    def count_between(self, start: datetime, end: datetime) -> int:
        position, end = max(start, EARLIEST), min(end, LATEST)
        total = 0
        while position < end:
            stretch = stretch_at(self.zone, position)
            window = self._look_at(stretch)
            until = min(stretch.end, end)
            first = max(window.first, to_wall(position, stretch.offset))
            total += count_slots(self.cron, first, min(window.last, to_wall(until, stretch.offset)))
            total += window.after_gap is not None and window.after_gap >= position
            position = until
        return total

    def shortest_gap_seconds(self) -> int:
        """Return the shortest distance of two planned times of day, in nominal time: clock changes can shorten it.

        Days are taken as adjacent, so that a schedule of one time a day says a day, and a weekly one as well.
        """
        times = [hour * 60 + minute for hour in self.cron.hours for minute in self.cron.minutes]
        return 60 * min(later - earlier for earlier, later in pairwise([*times, times[0] + _DAY_MINUTES]))

    def describe(self) -> str:
        return cron_words.describe(self.cron, str(self.zone))

    def _look_at(self, stretch: Stretch) -> _Window:
        """Clip a stretch by the clock-change choices."""
        first, last = to_wall(stretch.start, stretch.offset), to_wall(stretch.end, stretch.offset)
        if self.cron.runs_every_hour:
            return _Window(first, last, None)
        if stretch.jump_in < _NO_TIME and self.fold is DstFold.FIRST:
            first -= stretch.jump_in
        if stretch.jump_out < _NO_TIME and self.fold is DstFold.SECOND:
            last += stretch.jump_out
        if stretch.jump_in > _NO_TIME and self.gap is DstGap.RUN_AFTER:
            missed = count_slots(self.cron, first - stretch.jump_in, first)
            return _Window(first + RESOLUTION, last, stretch.start) if missed else _Window(first, last, None)
        return _Window(first, last, None)


def _read_as_utc(wall: datetime) -> datetime:
    return wall.replace(tzinfo=UTC)
