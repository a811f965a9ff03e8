"""What all timetables have in common, and the kinds without a calendar."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stationmaster.kit.cron import CronError, parse
from stationmaster.kit.cron_timetable import CronTimetable, DstFold, DstGap
from stationmaster.kit.timetable import (
    RESOLUTION,
    IntervalTimetable,
    LimitedTimetable,
    OnceTimetable,
    Timetable,
    list_newest_between,
    list_next,
)
from stationmaster.kit.zone import load_zone
from tests.kit.cron_expressions import expressions, instants

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Africa/Casablanca",
    "UTC",
)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@st.composite
def cron_timetables(draw: st.DrawFn) -> CronTimetable:
    try:
        cron = parse(draw(expressions))
    except CronError:
        assume(False)
        raise
    zone, gap, fold = draw(st.sampled_from(ZONES)), draw(st.sampled_from(DstGap)), draw(st.sampled_from(DstFold))
    return CronTimetable(cron, load_zone(zone), gap, fold)


@st.composite
def limited(draw: st.DrawFn, inner: st.SearchStrategy[Timetable]) -> LimitedTimetable:
    return LimitedTimetable(draw(inner), draw(st.none() | instants), draw(st.none() | instants))


kinds: st.SearchStrategy[Timetable] = st.one_of(
    cron_timetables(),
    st.builds(IntervalTimetable, instants, st.integers(1, 10_000_000)),
    st.builds(OnceTimetable, instants),
)
timetables: st.SearchStrategy[Timetable] = st.one_of(kinds, limited(kinds))


@settings(max_examples=200, deadline=None)
@given(timetables, instants)
def test_slots_strictly_increase_and_are_found_from_both_sides(timetable: Timetable, instant: datetime) -> None:
    slots = list_next(timetable, instant, 4)

    assert all(earlier < later for earlier, later in pairwise([instant, *slots]))
    assert all(slot.utcoffset() == timedelta(0) for slot in slots)
    assert all(slot == timetable.newest_at_or_before(slot) for slot in slots)
    assert all(earlier == timetable.newest_at_or_before(later - RESOLUTION) for earlier, later in pairwise(slots))


@settings(max_examples=200, deadline=None)
@given(timetables, instants)
def test_nothing_lies_between_the_newest_and_the_next(timetable: Timetable, instant: datetime) -> None:
    newest, following = timetable.newest_at_or_before(instant), timetable.next_after(instant)

    assert newest is None or (newest <= instant and timetable.next_after(newest) == following)
    assert newest is None or timetable.count_between(newest, instant + RESOLUTION) == 1
    assert following is None or timetable.count_between(instant + RESOLUTION, following) == 0


@settings(max_examples=200, deadline=None)
@given(timetables, instants, st.integers(0, 40), st.timedeltas(timedelta(0), timedelta(days=3)))
def test_counting_equals_listing(timetable: Timetable, start: datetime, count: int, more: timedelta) -> None:
    slots = list_next(timetable, start - RESOLUTION, count)
    end = slots[-1] + RESOLUTION if slots else start

    assert len(slots) == timetable.count_between(start, end)
    assert slots == list_newest_between(timetable, start, end, count)
    assert slots[-3:] == list_newest_between(timetable, start, end, 3)
    assert timetable.count_between(start, end + more) == len(slots) + timetable.count_between(end, end + more)


@settings(max_examples=100, deadline=None)
@given(timetables)
def test_the_ends_of_the_calendar_raise_nothing(timetable: Timetable) -> None:
    assert timetable.next_after(LAST) is None
    assert timetable.newest_at_or_before(FIRST) is None
    assert timetable.newest_at_or_before(LAST) or not timetable.next_after(FIRST)
    assert timetable.count_between(LAST, FIRST) == 0
    assert list_newest_between(timetable, FIRST, FIRST, 3) == []
    assert timetable.describe()


HOURLY = IntervalTimetable(at("2026-03-29T00:30"), 3_600)


def test_an_interval_counts_elapsed_time_from_its_anchor() -> None:
    assert [at("2026-03-29T00:30"), at("2026-03-29T01:30")] == list_next(HOURLY, at("2020-01-01"), 2)
    assert at("2026-03-29T02:30") == HOURLY.next_after(at("2026-03-29T01:30"))
    assert at("2026-03-29T01:30") == HOURLY.newest_at_or_before(at("2026-03-29T02:29:59"))
    assert HOURLY.newest_at_or_before(at("2026-03-29T00:29:59")) is None


def test_an_interval_counts_without_walking() -> None:
    every_second = IntervalTimetable(at("2000-01-01"), 1)

    assert every_second.count_between(at("1990-01-01"), at("2020-01-01")) == 7_305 * 86_400


@pytest.mark.parametrize("seconds", [0, -1, 10**12, 10**30])
def test_an_interval_of_no_length_or_over_a_hundred_years_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="An interval has 1 to"):
        IntervalTimetable(at("2026-01-01"), seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "Every second"),
        (45, "Every 45 seconds"),
        (60, "Every minute"),
        (5_400, "Every 90 minutes"),
        (7_200, "Every 2 hours"),
        (86_400, "Every day"),
        (1_209_600, "Every 2 weeks"),
        (90_061, "Every 90061 seconds"),
    ],
)
def test_an_interval_is_told_in_its_largest_unit(seconds: int, words: str) -> None:
    assert (
        f"{words}, counted from 2026-01-01 09:00 UTC" == IntervalTimetable(at("2026-01-01T09:00"), seconds).describe()
    )


def test_a_single_instant_is_one_slot() -> None:
    once = OnceTimetable(at("2026-05-01T12:00:30"), load_zone("Europe/Berlin"))

    assert [once.at] == list_next(once, at("2026-01-01"), 5)
    assert once.next_after(once.at) is None
    assert once.count_between(at("2026-01-01"), once.at) == 0
    assert once.shortest_gap_seconds() is None
    assert once.describe() == "Once, at 2026-05-01 14:00:30 Europe/Berlin"


def test_an_instant_at_the_calendars_end_is_told_in_utc() -> None:
    assert "UTC" in OnceTimetable(LAST, ZoneInfo("Asia/Tokyo")).describe()


def test_limits_take_the_start_and_leave_the_end() -> None:
    timetable = LimitedTimetable(HOURLY, at("2026-03-29T02:30"), at("2026-03-29T04:30"))

    assert [at("2026-03-29T02:30"), at("2026-03-29T03:30")] == list_next(timetable, FIRST, 5)
    assert at("2026-03-29T03:30") == timetable.newest_at_or_before(LAST)
    assert timetable.newest_at_or_before(at("2026-03-29T02:29")) is None
    assert timetable.count_between(FIRST, LAST) == 2
    assert timetable.shortest_gap_seconds() == 3_600


def test_limits_are_told() -> None:
    timetable = LimitedTimetable(OnceTimetable(at("2026-03-01")), at("2026-01-01"), at("2027-01-01"))

    assert timetable.describe().endswith(", from 2026-01-01 00:00 UTC, until 2027-01-01 00:00 UTC")


def test_limits_at_the_calendars_ends_raise_nothing() -> None:
    assert LimitedTimetable(HOURLY, FIRST, FIRST).newest_at_or_before(LAST) is None
    assert at("2026-03-29T00:30") == LimitedTimetable(HOURLY, FIRST, LAST).next_after(FIRST)
