"""Clock changes that touch a cron schedule, told before they come.

Only fixed hours can be touched; see `stationmaster.kit.cron_timetable` for what its choices do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import assert_never

from stationmaster.kit.cron import Cron
from stationmaster.kit.cron_timetable import CronTimetable, DstFold, DstGap
from stationmaster.kit.cron_wall import count_slots, next_slot, previous_slot
from stationmaster.kit.zone import EARLIEST, LATEST, Stretch, stretch_at, to_wall

_HORIZON = timedelta(days=2 * 366)


class ChangeKind(StrEnum):
    GAP = "gap"
    FOLD = "fold"


@dataclass(frozen=True)
class ClockChange:
    """One change that planned wall times fall into.

    `at` is UTC. The others are naive wall times: the clock goes from `clock_before` to `clock_after`; `first_planned` is the
    first of `planned_count` wall times in the gap or the fold. `effect` says for people what will happen.
    """

    at: datetime
    kind: ChangeKind
    clock_before: datetime
    clock_after: datetime
    first_planned: datetime
    planned_count: int
    effect: str


def list_clock_changes(timetable: CronTimetable, after: datetime, count: int = 2) -> list[ClockChange]:
    """Return the next changes strictly after an instant, within two years, that touch this timetable."""
    if timetable.cron.runs_every_hour:
        return []
    found = (_describe_change(timetable, stretch) for stretch in _walk_changes(timetable, after))
    return list(islice((change for change in found if change), count))


def _walk_changes(timetable: CronTimetable, after: datetime) -> Iterator[Stretch]:
    """Yield the stretches that a clock change ends, from the one `after` lies in."""
    if after >= LATEST:
        return
    position = max(after, EARLIEST)
    until = min(position, LATEST - _HORIZON) + _HORIZON
    while (stretch := stretch_at(timetable.zone, position)).end < until:
        if stretch.offset != stretch.offset_after:
            yield stretch
        position = stretch.end


def _describe_change(timetable: CronTimetable, stretch: Stretch) -> ClockChange | None:
    clock_before = to_wall(stretch.end, stretch.offset)
    clock_after = to_wall(stretch.end, stretch.offset_after)
    start, end = sorted((clock_before, clock_after))
    first, count = next_slot(timetable.cron, start), count_slots(timetable.cron, start, end)
    if first is None or not count:
        return None
    kind = ChangeKind.GAP if clock_before < clock_after else ChangeKind.FOLD
    when = _write_after(clock_after, clock_before)
    fate = _tell_gap(timetable.gap, when) if kind is ChangeKind.GAP else _tell_fold(timetable.fold)
    effect = (
        f"On {clock_before:%Y-%m-%d} clocks go from {clock_before:%H:%M} to {when}:"
        f" {_write_planned(timetable.cron, first, end, count)} will {fate}."
    )
    return ClockChange(stretch.end, kind, clock_before, clock_after, first, count, effect)


def _write_after(clock_after: datetime, clock_before: datetime) -> str:
    is_same_day = clock_after.date() == clock_before.date()
    return f"{clock_after:%H:%M}" if is_same_day else f"{clock_after:%H:%M (%Y-%m-%d)}"


def _write_planned(cron: Cron, first: datetime, end: datetime, count: int) -> str:
    if count == 1:
        return f"the planned time {first:%H:%M}"
    last = previous_slot(cron, end - timedelta(minutes=1))
    return f"the {count} planned times from {first:%H:%M} to {last or first:%H:%M}"


def _tell_gap(gap: DstGap, when: str) -> str:
    match gap:
        case DstGap.RUN_AFTER:
            return f"not exist; there is one run at {when} instead"
        case DstGap.SKIP:
            return "not exist; nothing runs instead"
        case _:
            assert_never(gap)


def _tell_fold(fold: DstFold) -> str:
    match fold:
        case DstFold.FIRST:
            return "come twice and run the first time only"
        case DstFold.SECOND:
            return "come twice and run the second time only"
        case DstFold.BOTH:
            return "come twice and run both times"
        case _:
            assert_never(fold)
