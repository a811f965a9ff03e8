"""Planned instants ("slots") of a schedule, whatever its kind.

A timetable is an immutable value that answers where its slots are; the tick asks all kinds the same questions. This module
has the question form, the kinds that need no calendar (a fixed distance, a single instant), and the limits any of them
may have. Cron expressions are in `stationmaster.kit.cron_timetable`. All instants are aware UTC; slots strictly increase.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

RESOLUTION = timedelta(microseconds=1)

_MAX_INTERVAL_SECONDS = 100 * 366 * 86_400
_UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Timetable(Protocol):
    """Where the slots are. Equal ones hash alike, so that answers can be shared."""

    def __hash__(self) -> int: ...

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first slot strictly after an instant, or None when there is none."""
        ...

    def newest_at_or_before(self, instant: datetime) -> datetime | None:
        """Return the last slot not after an instant, or None when there is none."""
        ...

    def count_between(self, start: datetime, end: datetime) -> int:
        """Count the slots with start <= slot < end, without walking over them."""
        ...

    def shortest_gap_seconds(self) -> int | None:
        """Return how near to each other two slots may plan to be, or None when there is one slot at most."""
        ...

    def describe(self) -> str:
        """Say in plain English when the slots are."""
        ...


@dataclass(frozen=True)
class IntervalTimetable:
    """Slots at a fixed distance in elapsed time: `anchor`, then every `seconds`; clock changes do not touch it.

    The zone is for the words only.

    Raises:
        ValueError: `seconds` is under 1 or over a hundred years.
    """

    anchor: datetime
    seconds: int
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= _MAX_INTERVAL_SECONDS:
            raise ValueError(f"An interval has 1 to {_MAX_INTERVAL_SECONDS} seconds, not {self.seconds}.")

    def next_after(self, instant: datetime) -> datetime | None:
        if instant < self.anchor:
            return self.anchor
        return self._find_slot((instant - self.anchor) // self._distance + 1)

    def newest_at_or_before(self, instant: datetime) -> datetime | None:
        if instant < self.anchor:
            return None
        return self._find_slot((instant - self.anchor) // self._distance)

    def count_between(self, start: datetime, end: datetime) -> int:
        return max(0, self._count_before(end) - self._count_before(start))

    def shortest_gap_seconds(self) -> int:
        return self.seconds

    def describe(self) -> str:
        name, size = next(unit for unit in _UNITS if self.seconds % unit[1] == 0)
        count = self.seconds // size
        every = f"Every {name}" if count == 1 else f"Every {count} {name}s"
        return f"{every}, counted from {write_instant(self.anchor, self.zone)}"

    @property
    def _distance(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    def _find_slot(self, index: int) -> datetime | None:
        try:
            return self.anchor + index * self._distance
        except OverflowError:
            return None

    def _count_before(self, instant: datetime) -> int:
        """Count slots before an instant: the distances begun since the anchor."""
        return max(0, -((self.anchor - instant) // self._distance))


@dataclass(frozen=True)
class OnceTimetable:
    """A single slot. The zone is for the words only."""

    at: datetime
    zone: tzinfo = UTC

    def next_after(self, instant: datetime) -> datetime | None:
        return self.at if instant < self.at else None

    def newest_at_or_before(self, instant: datetime) -> datetime | None:
        return self.at if instant >= self.at else None

    def count_between(self, start: datetime, end: datetime) -> int:
        return int(start <= self.at < end)

    def shortest_gap_seconds(self) -> int | None:
        return None

    def describe(self) -> str:
        return f"Once, at {write_instant(self.at, self.zone)}"


@dataclass(frozen=True)
class LimitedTimetable:
    """The slots of another timetable from `starts_at` on (that instant too) and before `ends_at` (not at it)."""

    timetable: Timetable
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def next_after(self, instant: datetime) -> datetime | None:
        if self.starts_at is not None and instant < self.starts_at:
            instant = _just_before(self.starts_at)
        slot = self.timetable.next_after(instant)
        return slot if slot is not None and (self.ends_at is None or slot < self.ends_at) else None

    def newest_at_or_before(self, instant: datetime) -> datetime | None:
        if self.starts_at is not None and instant < self.starts_at:
            return None
        if self.ends_at is not None and instant >= self.ends_at:
            instant = _just_before(self.ends_at)
        slot = self.timetable.newest_at_or_before(instant)
        return slot if slot is not None and (self.starts_at is None or slot >= self.starts_at) else None

    def count_between(self, start: datetime, end: datetime) -> int:
        start = start if self.starts_at is None else max(start, self.starts_at)
        end = end if self.ends_at is None else min(end, self.ends_at)
        return self.timetable.count_between(start, end)

    def shortest_gap_seconds(self) -> int | None:
        return self.timetable.shortest_gap_seconds()

    def describe(self) -> str:
        since = f", from {write_instant(self.starts_at, UTC)}" if self.starts_at else ""
        until = f", until {write_instant(self.ends_at, UTC)}" if self.ends_at else ""
        return self.timetable.describe() + since + until


def list_next(timetable: Timetable, after: datetime, count: int) -> list[datetime]:
    """Return the first `count` slots strictly after an instant, oldest first; fewer when there are no more."""
    slots: list[datetime] = []
    slot = timetable.next_after(after)
    while slot is not None and len(slots) < count:
        slots.append(slot)
        slot = timetable.next_after(slot)
    return slots


def list_newest_between(timetable: Timetable, start: datetime, end: datetime, limit: int) -> list[datetime]:
    """Return the newest `limit` slots with start <= slot < end, oldest first; older ones are not walked over."""
    slots: list[datetime] = []
    position = end
    while start < position and len(slots) < limit:
        slot = timetable.newest_at_or_before(_just_before(position))
        if slot is None or slot < start:
            break
        slots.append(slot)
        position = slot
    return slots[::-1]


def write_instant(instant: datetime, zone: tzinfo) -> str:
    """Write an instant for people: wall time to the minute (to the second where it has any), and the zone's name."""
    try:
        wall = instant.astimezone(zone).replace(tzinfo=None)
    except OverflowError:  # within a day of the calendar's ends
        return write_instant(instant, UTC)
    return f"{wall.isoformat(' ', 'seconds' if wall.second else 'minutes')} {zone}"


def _just_before(instant: datetime) -> datetime:
    try:
        return instant - RESOLUTION
    except OverflowError:
        return instant
