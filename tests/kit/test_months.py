"""Calendar months."""

from datetime import UTC, datetime

import pytest

from stationmaster.kit.months import add_months


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-01-15", 1, "2026-02-15"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-12-01", 1, "2027-01-01"),
        ("2026-03-31", 18, "2027-09-30"),
    ],
)
def test_a_month_ends_when_the_next_one_does(day: str, months: int, expected: str) -> None:
    time = "T08:30:00.123456+00:00"

    assert datetime.fromisoformat(expected + time) == add_months(datetime.fromisoformat(day + time), months)


def test_there_is_nothing_after_the_year_9999() -> None:
    assert add_months(datetime(9999, 6, 1, tzinfo=UTC), 7) is None
