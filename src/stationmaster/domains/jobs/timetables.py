"""A schedule row as a timetable."""

import zlib
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from stationmaster.kit.closed_timetable import ClosedTimetable, ShiftedTimetable
from stationmaster.kit.closures import as_key, read_closures
from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import CronTimetable, DstFold, DstGap
from stationmaster.kit.timetable import IntervalTimetable, LimitedTimetable, OnceTimetable, Timetable
from stationmaster.kit.zone import load_zone


class ScheduleFacts(Protocol):
    """What decides where a schedule's slots are."""

    cron_expression: str | None
    interval_seconds: int | None
    run_at: datetime | None
    timezone: str
    dst_gap: DstGap
    dst_fold: DstFold
    starts_at: datetime | None
    ends_at: datetime | None
    cutoff_at: datetime | None
    closed: list[list[str]] | None
    offset_seconds: int
    anchor_at: datetime


def timetable_of(schedule: ScheduleFacts) -> Timetable:
    """Return where the schedule's slots are.

    Raises:
        CronError: the expression is refused.
        ZoneError: there is no such time zone.
    """
    timetable = _unlimited(schedule)
    if schedule.closed:
        timetable = ClosedTimetable(timetable, read_closures(as_key(schedule.closed), schedule.timezone))
    if schedule.offset_seconds and schedule.run_at is None:
        timetable = ShiftedTimetable(timetable, schedule.offset_seconds)
    end = min(filter(None, (schedule.ends_at, schedule.cutoff_at)), default=None)
    if schedule.starts_at is None and end is None:
        return timetable
    return LimitedTimetable(timetable, schedule.starts_at, end)


def find_timetable(schedule: ScheduleFacts) -> Timetable | None:
    """Return where the schedule's slots are, or None when it cannot be evaluated; the tick tells why (`last_error`)."""
    try:
        return timetable_of(schedule)
    except ValueError:
        return None


def spread_offset(schedule_id: UUID, spread_seconds: int) -> int:
    """Return how much later a schedule runs, the same for ever and evenly spread over schedules."""
    return zlib.crc32(schedule_id.bytes) % (spread_seconds + 1)


def _unlimited(schedule: ScheduleFacts) -> Timetable:
    if schedule.cron_expression is not None:
        return cron_timetable(schedule.cron_expression, schedule.timezone, schedule.dst_gap, schedule.dst_fold)
    if schedule.interval_seconds is not None:
        return IntervalTimetable(schedule.anchor_at, schedule.interval_seconds, load_zone(schedule.timezone))
    assert schedule.run_at is not None
    return OnceTimetable(schedule.run_at, load_zone(schedule.timezone))


@lru_cache(maxsize=10_000)
def cron_timetable(expression: str, zone: str, gap: DstGap, fold: DstFold) -> CronTimetable:
    """Return the timetable of an expression; equal schedules share one, and with it what was computed for it."""
    return CronTimetable(parse(expression), load_zone(zone), gap, fold)
