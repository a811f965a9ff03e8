"""Names of fields, alone and in lists."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.kit.field_name import MAX_NAMES, FieldName, parse_names
from stationmaster.kit.scanner import Unreadable
from tests.kit.refusals import attempt


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), ("user", ("user",)), (" user , job_name ", ("user", "job_name")), ("a,a", ("a", "a"))],
)
def test_it_reads_names(text: str, expected: tuple[str, ...]) -> None:
    assert parse_names(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("a b", 3, "a comma is expected"),
        ("a,", 3, "nothing follows the comma"),
        (",a", 1, "name of a field"),
        ("a.b", 2, "a comma is expected"),
        ("a'--", 2, "a comma is expected"),
        (",".join(["a"] * (MAX_NAMES + 1)), 101, "at most 50"),
    ],
)
def test_it_says_where_and_what_is_wrong(text: str, position: int, expected: str) -> None:
    with pytest.raises(Unreadable, match=f"at character {position}: .*{re.escape(expected)}"):
        parse_names(text)


@given(st.text(max_size=40))
def test_nothing_else_comes_of_any_text(text: str) -> None:
    names = attempt(parse_names, text)

    assert isinstance(names, Unreadable) or all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (FieldName("state"), "state"),
        (FieldName("meta", "region"), "meta.region"),
        (FieldName("meta", "a b"), 'meta."a b"'),
        (FieldName("meta", 'a"b'), 'meta."a""b"'),
        (FieldName("meta", ""), 'meta.""'),
    ],
)
def test_a_name_is_written_as_it_is_read(name: FieldName, expected: str) -> None:
    assert str(name) == expected
