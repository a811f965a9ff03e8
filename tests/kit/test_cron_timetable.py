"""Cron in a time zone: what becomes of planned wall times when clocks change. Expected values are written by hand."""

from datetime import UTC, datetime, timedelta
from time import thread_time

import pytest

from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import CronTimetable, DstFold, DstGap
from stationmaster.kit.timetable import RESOLUTION, list_newest_between, list_next
from stationmaster.kit.zone import EARLIEST, LATEST, load_zone

BERLIN, NEW_YORK, LORD_HOWE, APIA = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"
AFTER, SKIP = DstGap.RUN_AFTER, DstGap.SKIP
FIRST, SECOND, BOTH = DstFold.FIRST, DstFold.SECOND, DstFold.BOTH


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots_of(timetable: CronTimetable, day: str) -> list[str]:
    """Return the slots of a UTC day as `HH:MM`; walking forward, walking back and counting must agree."""
    start, end = at(day), at(f"{day}T23:59:59.999999")
    slots = list_newest_between(timetable, start, end, 2_000)
    assert len(slots) == timetable.count_between(start, end)
    assert slots == list_next(timetable, start - RESOLUTION, len(slots))
    return [f"{slot:%H:%M}" for slot in slots]


@pytest.mark.parametrize(
    ("expression", "zone", "day", "gap", "expected"),
    [
        # Berlin, 01:00 UTC: 02:00 becomes 03:00.
        ("30 2 * * *", BERLIN, "2026-03-29", AFTER, ["01:00"]),
        ("30 2 * * *", BERLIN, "2026-03-29", SKIP, []),
        ("59 1 * * 0", BERLIN, "2026-03-29", AFTER, ["00:59"]),
        ("0 3 * * *", BERLIN, "2026-03-29", SKIP, ["01:00"]),
        ("0 2,3 * * *", BERLIN, "2026-03-29", AFTER, ["01:00"]),
        ("*/15 2 * * *", BERLIN, "2026-03-29", AFTER, ["01:00"]),
        ("30 2-4 * * *", BERLIN, "2026-03-29", AFTER, ["01:00", "01:30", "02:30"]),
        ("0 */2 * * 0", BERLIN, "2026-03-29", AFTER, ["01:00", *(f"{hour:02}:00" for hour in range(2, 22, 2))]),
        # New York, 07:00 UTC: 02:00 becomes 03:00.
        ("15,45 2 * * *", NEW_YORK, "2026-03-08", AFTER, ["07:00"]),
        # Lord Howe, 15:30 UTC the day before: 02:00 becomes 02:30.
        ("0 2 * * *", LORD_HOWE, "2026-10-03", AFTER, ["15:30"]),
        ("15,30 2 * * *", LORD_HOWE, "2026-10-03", AFTER, ["15:30"]),
        ("30 2 * * *", LORD_HOWE, "2026-10-03", SKIP, ["15:30"]),
        # Sao Paulo, 03:00 UTC: midnight becomes 01:00, so the day begins at 01:00.
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-04", AFTER, ["03:00"]),
        ("0 0 4 11 *", "America/Sao_Paulo", "2018-11-04", SKIP, []),
        # Apia, 10:00 UTC on the 30th: midnight of the 30th becomes midnight of the 31st; a whole Friday is missing.
        ("30 2 * * 5", APIA, "2011-12-30", AFTER, ["10:00"]),
        ("30 2 * * 5", APIA, "2011-12-30", SKIP, []),
        ("0 0 * * *", APIA, "2011-12-30", AFTER, ["10:00"]),
        ("30 2 * * *", APIA, "2011-12-30", AFTER, ["10:00", "12:30"]),
    ],
)
def test_a_gap(expression: str, zone: str, day: str, gap: DstGap, expected: list[str]) -> None:
    for fold in DstFold:
        assert expected == slots_of(CronTimetable(parse(expression), load_zone(zone), gap, fold), day)


@pytest.mark.parametrize(
    ("expression", "zone", "day", "fold", "expected"),
    [
        # Berlin, 01:00 UTC: 03:00 becomes 02:00 again.
        ("30 2 * * *", BERLIN, "2026-10-25", FIRST, ["00:30"]),
        ("30 2 * * *", BERLIN, "2026-10-25", SECOND, ["01:30"]),
        ("30 2 * * *", BERLIN, "2026-10-25", BOTH, ["00:30", "01:30"]),
        ("0 2,3 * * *", BERLIN, "2026-10-25", FIRST, ["00:00", "02:00"]),
        ("0 2,3 * * *", BERLIN, "2026-10-25", SECOND, ["01:00", "02:00"]),
        ("0,30 2 * * *", BERLIN, "2026-10-25", BOTH, ["00:00", "00:30", "01:00", "01:30"]),
        ("59 1 * * *", BERLIN, "2026-10-24", FIRST, ["23:59"]),
        ("*/20 2 * * *", BERLIN, "2026-10-25", FIRST, ["00:00", "00:20", "00:40"]),
        # New York, 06:00 UTC: 02:00 becomes 01:00 again.
        ("0,30 1 * * *", NEW_YORK, "2026-11-01", FIRST, ["05:00", "05:30"]),
        ("5 1 * * 0", NEW_YORK, "2026-11-01", BOTH, ["05:05", "06:05"]),
        ("5 1-2 * * 0", NEW_YORK, "2026-11-01", BOTH, ["05:05", "06:05", "07:05"]),
        # Lord Howe, 15:00 UTC the day before: 02:00 becomes 01:30 again.
        ("15,45 1 * * *", LORD_HOWE, "2026-04-04", FIRST, ["14:15", "14:45"]),
        ("15,45 1 * * *", LORD_HOWE, "2026-04-04", SECOND, ["14:15", "15:15"]),
        ("15,45 1 * * *", LORD_HOWE, "2026-04-04", BOTH, ["14:15", "14:45", "15:15"]),
        # Sao Paulo, 02:00 UTC: Sunday's midnight becomes 23:00 of Saturday again.
        ("30 23 * * 6", "America/Sao_Paulo", "2018-02-18", FIRST, ["01:30"]),
        ("30 23 * * 6", "America/Sao_Paulo", "2018-02-18", SECOND, ["02:30"]),
        ("0 0 * * 0", "America/Sao_Paulo", "2018-02-18", FIRST, ["03:00"]),
        # Casablanca, 23:00 UTC on New Year's Eve: midnight becomes 23:00 again, across the year's end.
        ("30 23 * * *", "Africa/Casablanca", "1985-12-31", FIRST, ["22:30"]),
        ("30 23 * * *", "Africa/Casablanca", "1985-12-31", SECOND, ["23:30"]),
    ],
)
def test_a_fold(expression: str, zone: str, day: str, fold: DstFold, expected: list[str]) -> None:
    for gap in DstGap:
        assert expected == slots_of(CronTimetable(parse(expression), load_zone(zone), gap, fold), day)


@pytest.mark.parametrize("gap", DstGap)
@pytest.mark.parametrize("fold", DstFold)
@pytest.mark.parametrize("hours", ["*", "*/1", "0-23"])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-01"])
def test_every_hour_follows_elapsed_time_whatever_the_choices(gap: DstGap, fold: DstFold, hours: str, day: str) -> None:
    timetable = CronTimetable(parse(f"*/15 {hours} * * *"), load_zone(BERLIN), gap, fold)

    assert [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 15, 30, 45)] == slots_of(timetable, day)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        # The repeated half-hour has no full hour in it: an hour and a half between 01:00 and 02:00.
        ("2026-04-04", ["13:00", "14:00", "15:30", "16:30"]),
        # 02:00 is skipped: the clock goes from 01:59 to 02:30.
        ("2026-10-03", ["13:30", "14:30", "16:00", "17:00"]),
    ],
)
def test_a_half_hour_change_shifts_the_hour(day: str, expected: list[str]) -> None:
    slots = slots_of(CronTimetable(parse("0 * * * *"), load_zone(LORD_HOWE)), day)

    assert expected == [slot for slot in slots if "13:00" <= slot < "17:30"]


def test_every_hour_on_a_missing_day_has_nothing_to_fire_in() -> None:
    timetable = CronTimetable(parse("0,30 * 30 * *"), load_zone(APIA))

    assert at("2012-01-29T10:00") == timetable.next_after(at("2011-12-01T12:00"))


@pytest.mark.parametrize(
    ("instant", "expected"), [("2026-10-25T00:30", "2026-10-26T01:30"), ("2026-10-25T01:10", "2026-10-26T01:30")]
)
def test_a_slot_of_the_first_pass_does_not_come_again_in_the_second(instant: str, expected: str) -> None:
    assert at(expected) == CronTimetable(parse("30 2 * * *"), load_zone(BERLIN)).next_after(at(instant))


def test_rare_dates_are_found_over_decades() -> None:
    """29 February on a Sunday; 2100 has none."""
    timetable = CronTimetable(parse("0 12 29 2 */7"), load_zone(NEW_YORK))

    assert [at("2088-02-29T17:00"), at("2128-02-29T17:00")] == list_next(timetable, at("2061-01-01"), 2)
    assert at("2088-02-29T17:00") == timetable.newest_at_or_before(at("2128-02-29T16:59"))


@pytest.mark.parametrize("expression", ["* * * * *", "0 0 29 2 */7"])
@pytest.mark.parametrize("zone", [BERLIN, "Pacific/Kiritimati", "Pacific/Niue"])
def test_slots_end_with_the_calendar(expression: str, zone: str) -> None:
    timetable = CronTimetable(parse(expression), load_zone(zone))

    assert timetable.next_after(LATEST - RESOLUTION) is None
    assert timetable.newest_at_or_before(EARLIEST - RESOLUTION) is None
    assert timetable.newest_at_or_before(EARLIEST) in (None, EARLIEST)
    assert timetable.count_between(LATEST, LATEST + timedelta(days=1)) == 0


def test_an_instant_of_another_zone_is_understood() -> None:
    noon = at("2026-06-01T10:00").astimezone(load_zone("Asia/Tokyo"))
    timetable = CronTimetable(parse("0 12 * * *"), load_zone(BERLIN))

    assert at("2026-06-01T10:00") == timetable.newest_at_or_before(noon)
    assert at("2026-06-02T10:00") == timetable.next_after(noon)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("* * * * *", 60),
        ("*/7 * * * *", 240),
        ("*/15 * * * *", 900),
        ("5,50 * * * *", 900),
        ("0 * * * *", 3_600),
        ("50 9,10 * * *", 3_600),
        ("0,55 9,10 * * *", 300),
        ("30 2 * * *", 86_400),
        ("0 0,23 * * *", 3_600),
        ("0 0 1 1 *", 86_400),
    ],
)
def test_the_shortest_gap_follows_from_the_fields(expression: str, seconds: int) -> None:
    assert seconds == CronTimetable(parse(expression), load_zone("UTC")).shortest_gap_seconds()


def test_the_words_name_the_zone() -> None:
    assert CronTimetable(parse("@daily"), load_zone(APIA)).describe() == "At 00:00, every day (Pacific/Apia)"


def test_an_hour_missed_by_ten_thousand_schedules_is_counted_in_no_time() -> None:
    """The clock jumped: each every-minute schedule must learn how much it missed, without walking over it."""
    timetable = CronTimetable(parse("* * * * *"), load_zone(BERLIN))
    started = thread_time()
    missed = [timetable.count_between(at("2026-10-25T00:30"), at("2026-10-25T01:30")) for _ in range(10_000)]

    assert missed == [60] * 10_000
    assert thread_time() - started < 2
