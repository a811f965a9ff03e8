"""Timetables with times left out, and timetables that run later: held against walking over every slot."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.kit.closed_timetable import ClosedTimetable, ShiftedTimetable, Stretch, join_stretches
from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import CronTimetable
from stationmaster.kit.timetable import IntervalTimetable, list_next
from stationmaster.kit.zone import load_zone

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLOTS = 200

hours = st.integers(0, SLOTS + 20)
stretches = st.lists(st.tuples(hours, st.integers(1, 60)), max_size=8)


def closed(found: list[tuple[int, int]]) -> tuple[Stretch, ...]:
    half = timedelta(minutes=30)
    return join_stretches([(START + at * HOUR - half, START + (at + length) * HOUR - half) for at, length in found])


@given(stretches, hours, hours)
def test_closed_times_are_left_out_of_every_answer(found: list[tuple[int, int]], first: int, last: int) -> None:
    timetable = ClosedTimetable(IntervalTimetable(START, 3600), closed(found))
    every = [START + number * HOUR for number in range(SLOTS * 2)]
    open_slots = [slot for slot in every if not any(start <= slot < end for start, end in timetable.closed)]
    at, end = START + first * HOUR, START + last * HOUR

    assert timetable.next_after(at) == next(slot for slot in open_slots if slot > at)
    assert timetable.newest_at_or_before(at) == next((slot for slot in reversed(open_slots) if slot <= at), None)
    assert timetable.count_between(at, end) == sum(at <= slot < end for slot in open_slots)


def test_stretches_that_touch_are_one() -> None:
    day = timedelta(days=1)

    assert ((START, START + 3 * day), (START + 5 * day, START + 6 * day)) == join_stretches(
        [(START + number * day, START + (number + 1) * day) for number in (5, 1, 0, 2)]
    )


def test_a_timetable_that_is_always_closed_has_no_slot() -> None:
    always = (START - 10_000 * HOUR, START + 10_000 * HOUR)
    timetable = ClosedTimetable(IntervalTimetable(START, 3600), (always,))

    assert START + 10_000 * HOUR == timetable.next_after(START)
    assert timetable.newest_at_or_before(START + 9_999 * HOUR) is None
    assert 0 == timetable.count_between(*always)


@given(st.integers(1, 86_400), hours, hours)
def test_shifted_slots_are_the_same_ones_later(seconds: int, first: int, last: int) -> None:
    plain = CronTimetable(parse("17 2 * * *"), load_zone("Europe/Berlin"))
    shifted, shift = ShiftedTimetable(plain, seconds), timedelta(seconds=seconds)
    at, end = START + first * HOUR, START + last * HOUR

    assert [slot + shift for slot in list_next(plain, at, 5)] == list_next(shifted, at + shift, 5)
    newest = plain.newest_at_or_before(at)
    assert newest is not None
    assert newest + shift == shifted.newest_at_or_before(at + shift)
    assert plain.count_between(at, end) == shifted.count_between(at + shift, end + shift)


@pytest.mark.parametrize("instant", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_time_are_instants_too(instant: datetime) -> None:
    timetable = ShiftedTimetable(IntervalTimetable(START, 3600), 60)

    assert {timetable.next_after(instant), timetable.newest_at_or_before(instant)} & {None}


def test_words_say_so() -> None:
    timetable = IntervalTimetable(START, 3600)

    assert ClosedTimetable(timetable, ()).describe().endswith(", except in the times of its calendars")
    assert ShiftedTimetable(timetable, 60).describe().endswith(", each 60 s later")
    assert (3600, 3600) == (
        ClosedTimetable(timetable, ()).shortest_gap_seconds(),
        ShiftedTimetable(timetable, 60).shortest_gap_seconds(),
    )
