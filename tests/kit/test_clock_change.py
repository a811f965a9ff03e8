"""Clock changes that touch a schedule, told before they come."""

from datetime import UTC, datetime

import pytest

from stationmaster.kit.clock_change import ChangeKind, ClockChange, list_clock_changes
from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import CronTimetable, DstFold, DstGap
from stationmaster.kit.zone import load_zone


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def make_timetable(
    expression: str, zone: str = "Europe/Berlin", gap: DstGap = DstGap.RUN_AFTER, fold: DstFold = DstFold.FIRST
) -> CronTimetable:
    return CronTimetable(parse(expression), load_zone(zone), gap, fold)


def test_the_next_two_changes_are_told() -> None:
    gap, fold = list_clock_changes(make_timetable("30 2 * * *"), at("2026-11-20"))

    assert gap == ClockChange(
        at=at("2027-03-28T01:00"),
        kind=ChangeKind.GAP,
        clock_before=wall("2027-03-28T02:00"),
        clock_after=wall("2027-03-28T03:00"),
        first_planned=wall("2027-03-28T02:30"),
        planned_count=1,
        effect="On 2027-03-28 clocks go from 02:00 to 03:00:"
        " the planned time 02:30 will not exist; there is one run at 03:00 instead.",
    )
    assert (fold.at, fold.kind, fold.first_planned) == (
        at("2027-10-31T01:00"),
        ChangeKind.FOLD,
        wall("2027-10-31T02:30"),
    )


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (
            DstGap.RUN_AFTER,
            "the 3 planned times from 02:00 to 02:40 will not exist; there is one run at 03:00 instead.",
        ),
        (DstGap.SKIP, "the 3 planned times from 02:00 to 02:40 will not exist; nothing runs instead."),
    ],
)
def test_a_gap_is_told_by_its_choice(gap: DstGap, words: str) -> None:
    (change,) = list_clock_changes(make_timetable("*/20 2 * * *", gap=gap), at("2027-01-01"), count=1)

    assert change.effect.endswith(words)
    assert change.planned_count == 3


@pytest.mark.parametrize(
    ("fold", "words"),
    [
        (DstFold.FIRST, "will come twice and run the first time only."),
        (DstFold.SECOND, "will come twice and run the second time only."),
        (DstFold.BOTH, "will come twice and run both times."),
    ],
)
def test_a_fold_is_told_by_its_choice(fold: DstFold, words: str) -> None:
    (change,) = list_clock_changes(make_timetable("30 2 * * *", fold=fold), at("2026-06-01"), count=1)

    assert change.effect == f"On 2026-10-25 clocks go from 03:00 to 02:00: the planned time 02:30 {words}"


def test_a_missing_day_is_told_with_both_dates() -> None:
    (change,) = list_clock_changes(make_timetable("30 2 * * *", "Pacific/Apia"), at("2011-12-01"), count=1)

    assert "On 2011-12-30 clocks go from 00:00 to 00:00 (2011-12-31)" in change.effect


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("30 4 * * *", "Europe/Berlin"),
        ("0 3 * * *", "Europe/Berlin"),
        ("30 2 * * 3", "Europe/Berlin"),
        ("*/15 * * * *", "Europe/Berlin"),
        ("30 2 * * *", "UTC"),
        ("30 2 * * *", "Asia/Tokyo"),
    ],
)
def test_a_schedule_that_no_change_touches_has_nothing_to_tell(expression: str, zone: str) -> None:
    assert list_clock_changes(make_timetable(expression, zone), at("2026-11-20")) == []


def test_only_changes_after_the_instant_and_within_two_years_are_told() -> None:
    timetable = make_timetable("30 2 * * *")
    changes = list_clock_changes(timetable, at("2026-03-29T01:00"), count=100)

    assert [f"{change.at:%Y-%m-%d}" for change in changes] == ["2026-10-25", "2027-03-28", "2027-10-31", "2028-03-26"]


@pytest.mark.parametrize("instant", ["0001-01-01", "9999-12-31T23:59:59.999999"])
def test_the_ends_of_the_calendar_raise_nothing(instant: str) -> None:
    assert list_clock_changes(make_timetable("30 2 * * *"), at(instant)) == []
