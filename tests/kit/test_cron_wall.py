"""Cron on a plain wall clock, against looking at every minute."""

from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stationmaster.kit.cron import Cron, CronError, parse
from stationmaster.kit.cron_wall import count_slots, next_slot, previous_slot
from tests.kit.cron_expressions import expressions

MINUTE = timedelta(minutes=1)

walls = st.datetimes(datetime.fromisoformat("1999-01-01"), datetime.fromisoformat("2031-01-01"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_slot(cron: Cron, wall: datetime) -> bool:
    return cron.matches_day(wall.date()) and wall.hour in cron.hours and wall.minute in cron.minutes


def parse_or_skip(expression: str) -> Cron:
    try:
        return parse(expression)
    except CronError:
        assume(False)
        raise


@settings(max_examples=150, deadline=None)
@given(expressions, walls, st.integers(0, 3_000))
def test_stepping_and_counting_agree_with_every_minute(expression: str, start: datetime, minutes: int) -> None:
    cron = parse_or_skip(expression)
    first = start.replace(second=0, microsecond=0) + MINUTE * (start.second > 0 or start.microsecond > 0)
    end = start + minutes * MINUTE
    expected = [
        first + n * MINUTE for n in range(minutes) if is_slot(cron, first + n * MINUTE) and first + n * MINUTE < end
    ]

    assert expected == walk_forward(cron, start, end)
    assert expected == walk_backward(cron, start, end)
    assert len(expected) == count_slots(cron, start, end)


def walk_forward(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    slots: list[datetime] = []
    slot = next_slot(cron, start)
    while slot is not None and slot < end:
        slots.append(slot)
        slot = next_slot(cron, slot + MINUTE)
    return slots


def walk_backward(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    slots: list[datetime] = []
    slot = previous_slot(cron, end - timedelta(microseconds=1))
    while slot is not None and slot >= start:
        slots.append(slot)
        slot = previous_slot(cron, slot - MINUTE)
    return slots[::-1]


@pytest.mark.parametrize(
    ("expression", "wall", "expected"),
    [
        ("30 2 * * *", "2026-01-01T02:30", "2026-01-01T02:30"),
        ("30 2 * * *", "2026-01-01T02:30:00.000001", "2026-01-02T02:30"),
        ("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("0 0 29 2 */7", "2089-01-01T00:00", "2128-02-29T00:00"),
        ("0 0 31 * *", "2026-04-01T00:00", "2026-05-31T00:00"),
        ("0 0 L 2 *", "2026-03-01T00:00", "2027-02-28T00:00"),
        ("0 0 1 * 0-6", "2026-03-02T00:00", "2026-03-02T00:00"),
        ("0 0 1-31 * 1", "2026-03-03T00:00", "2026-03-03T00:00"),
    ],
)
def test_the_next_slot_is_at_or_after_the_wall_time(expression: str, wall: str, expected: str) -> None:
    assert at(expected) == next_slot(parse(expression), at(wall))


@pytest.mark.parametrize("expression", ["* * * * *", "0 0 29 2 *", "0 0 29 2 */7", "0 0 1 1 1"])
def test_there_is_nothing_past_the_calendar(expression: str) -> None:
    cron = parse(expression)

    assert next_slot(cron, at("9999-12-31T23:59:59.999999")) is None
    assert previous_slot(cron, at("0001-01-01")) in (None, at("0001-01-01"))


def test_an_empty_or_turned_range_has_no_slots() -> None:
    cron = parse("* * * * *")

    assert count_slots(cron, at("2026-01-02"), at("2026-01-02")) == 0
    assert count_slots(cron, at("2026-01-02"), at("2026-01-01")) == 0


def test_counting_years_of_minutes_does_not_walk_over_them() -> None:
    assert count_slots(parse("* * * * *"), at("2000-01-01"), at("2400-01-01")) == 146_097 * 1_440
