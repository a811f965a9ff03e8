"""Slots of a cron expression on a plain wall clock: no zones, no clock changes.

All instants here are naive. croniter steps from slot to slot; it is handed plain lists of numbers, so its own dialect plays
no part. Counting is arithmetic on the same lists.
"""

from bisect import bisect_left
from copy import copy
from datetime import date, datetime, timedelta
from functools import lru_cache

from croniter import croniter

from stationmaster.kit.cron import Cron

_MINUTE = timedelta(minutes=1)


def next_slot(cron: Cron, wall: datetime) -> datetime | None:
    """Return the first slot at or after a wall time, or None past the calendar's end."""
    try:
        return _stepper(cron).get_next(datetime, start_time=_round_up(wall) - _MINUTE)
    except (ValueError, OverflowError):  # croniter's own answer to a year past 9999 differs by where it meets it
        return None


def previous_slot(cron: Cron, wall: datetime) -> datetime | None:
    """Return the last slot at or before a wall time, or None before the calendar's beginning."""
    try:
        return _stepper(cron).get_prev(datetime, start_time=_round_down(wall) + _MINUTE)
    except (ValueError, OverflowError):
        return None


def count_slots(cron: Cron, start: datetime, end: datetime) -> int:
    """Count slots with start <= slot < end; the cost grows with the days between, not with the slots."""
    start, end = _round_up(start), _round_up(end)
    if start >= end:
        return 0
    days = range(start.toordinal(), end.toordinal())
    matching = sum(cron.matches_day(date.fromordinal(day)) for day in days)
    per_day = len(cron.hours) * len(cron.minutes)
    return matching * per_day + _count_in_day_before(cron, end) - _count_in_day_before(cron, start)


def _count_in_day_before(cron: Cron, wall: datetime) -> int:
    """Count the slots from midnight until just before a full minute."""
    if not cron.matches_day(wall.date()):
        return 0
    whole_hours = bisect_left(cron.hours, wall.hour) * len(cron.minutes)
    return whole_hours + (bisect_left(cron.minutes, wall.minute) if wall.hour in cron.hours else 0)


def _stepper(cron: Cron) -> "croniter[datetime]":
    # A croniter moves while it steps; a copy costs a microsecond and keeps threads apart.
    return copy(_prepare(cron))


@lru_cache(maxsize=4096)
def _prepare(cron: Cron) -> "croniter[datetime]":
    days = [*map(str, cron.days), *(["l"] if cron.on_last_day else [])]
    fields = (
        _write(cron.minutes, 60),
        _write(cron.hours, 24),
        "*" if cron.has_every_day_of_month else ",".join(days),
        _write(cron.months, 12),
        _write(cron.weekdays, 7),
    )
    # The start is of no account: each step names its own.
    epoch = datetime.fromisoformat("2000-01-01")
    return croniter(" ".join(fields), epoch, ret_type=datetime, day_or=cron.either_day)


def _write(values: tuple[int, ...], full: int) -> str:
    return "*" if len(values) == full else ",".join(map(str, values))


def _round_down(wall: datetime) -> datetime:
    return wall.replace(second=0, microsecond=0)


def _round_up(wall: datetime) -> datetime:
    down = _round_down(wall)
    return down if down == wall else down + _MINUTE
