"""Progress in the style of a script."""

import time

import pytest

from stationmaster.kit.progress_pattern import MAX_LENGTH, ProgressPattern


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        (r"Progress: ([\d.]+)%", "2026-11-21 Progress: 12.3% of it", 12.3),
        (r"Processing product (\d+) of (\d+)", "Processing product 1 of 100", 1),
        (r"(?i)done (\d+)", "DONE 50", 50),
        (r"Progress: (.+)%", "Progress: much%", None),
        (r"Progress: ([\d.]+)%", "nothing", None),
        (r"(\d+)?x", "x", None),
    ],
)
def test_a_pattern_finds_other_styles(pattern: str, line: str, expected: float | None) -> None:
    assert expected == ProgressPattern.compile(pattern).read(line)


@pytest.mark.parametrize(
    "pattern", ["(", "no group", "(a)(b)(c)", r"(a)\1", "x" * (MAX_LENGTH + 1), "((a{1000}){1000})"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|RE2"):
        ProgressPattern.compile(pattern)


def test_no_pattern_takes_long() -> None:
    hostile = ProgressPattern.compile("(?:(?:a|a)*)*(b)")
    began = time.perf_counter()

    assert hostile.read("a" * 100_000) is None
    assert time.perf_counter() - began < 0.1
