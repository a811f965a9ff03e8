"""Reading progress from text."""

import pytest

from stationmaster.kit.progress import read_percent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42.5", 42.5),
        (" 42.5% ", 42.5),
        ("3/20", 15),
        ("2 / 3", 66.667),
        ("0", 0),
        ("100", 100),
        ("101", None),
        ("3/0", None),
        ("4/3", None),
        ("-1", None),
        ("nan", None),
        ("1e2", None),
        ("half", None),
        ("", None),
        ("9" * 400, None),
    ],
)
def test_a_percentage_is_read_or_none(text: str, expected: float | None) -> None:
    assert expected == read_percent(text)
