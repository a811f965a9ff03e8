"""Timetables with times left out, and timetables that run a little later than planned."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationmaster.kit.timetable import RESOLUTION, Timetable

Stretch = tuple[datetime, datetime]
"""From the first instant to before the second."""


def join_stretches(stretches: list[Stretch]) -> tuple[Stretch, ...]:
    """Return the same times in order, those that touch as one."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


@dataclass(frozen=True)
class ClosedTimetable:
    """The slots of another timetable without those in `closed`: stretches in order that do not touch."""

    timetable: Timetable
    closed: tuple[Stretch, ...]

    def next_after(self, instant: datetime) -> datetime | None:
        slot = self.timetable.next_after(instant)
        while slot is not None and (stretch := self._find_closed(slot)) is not None:
            slot = self.timetable.next_after(stretch[1] - RESOLUTION)
        return slot

    def newest_at_or_before(self, instant: datetime) -> datetime | None:
        slot = self.timetable.newest_at_or_before(instant)
        while slot is not None and (stretch := self._find_closed(slot)) is not None:
            slot = self.timetable.newest_at_or_before(stretch[0] - RESOLUTION)
        return slot

    def count_between(self, start: datetime, end: datetime) -> int:
        closed = (
            self.timetable.count_between(max(start, first), min(end, last))
            for first, last in self.closed
            if first < end and last > start
        )
        return self.timetable.count_between(start, end) - sum(closed)

    def shortest_gap_seconds(self) -> int | None:
        return self.timetable.shortest_gap_seconds()

    def describe(self) -> str:
        return f"{self.timetable.describe()}, except in the times of its calendars"

    def _find_closed(self, slot: datetime) -> Stretch | None:
        index = bisect_right(self.closed, slot, key=lambda stretch: stretch[0]) - 1
        return self.closed[index] if index >= 0 and slot < self.closed[index][1] else None


@dataclass(frozen=True)
class ShiftedTimetable:
    """The slots of another timetable, each `seconds` later."""

    timetable: Timetable
    seconds: int

    def next_after(self, instant: datetime) -> datetime | None:
        return self._later(self.timetable.next_after(self._earlier(instant)))

    def newest_at_or_before(self, instant: datetime) -> datetime | None:
        return self._later(self.timetable.newest_at_or_before(self._earlier(instant)))

    def count_between(self, start: datetime, end: datetime) -> int:
        return self.timetable.count_between(self._earlier(start), self._earlier(end))

    def shortest_gap_seconds(self) -> int | None:
        return self.timetable.shortest_gap_seconds()

    def describe(self) -> str:
        return f"{self.timetable.describe()}, each {self.seconds} s later"

    def _earlier(self, instant: datetime) -> datetime:
        try:
            return instant - timedelta(seconds=self.seconds)
        except OverflowError:  # at the beginning of the calendar
            return instant

    def _later(self, slot: datetime | None) -> datetime | None:
        try:
            return None if slot is None else slot + timedelta(seconds=self.seconds)
        except OverflowError:  # at its end
            return None
