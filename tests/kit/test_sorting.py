"""The sort language."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.kit.field_name import FieldName
from stationmaster.kit.scanner import Unreadable
from stationmaster.kit.sorting import MAX_FIELDS, SortField, parse_sort
from tests.kit.refusals import attempt
from tests.kit.test_filters import NAMES

SORTS = st.lists(st.builds(SortField, NAMES, st.booleans()), max_size=MAX_FIELDS, unique_by=lambda each: each.name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ", []),
        ("name", ["name"]),
        ("-name", ["-name"]),
        ("- name", ["-name"]),
        ("name asc", ["name"]),
        ("name  DESC , state", ["-name", "state"]),
        ("asc desc", ["-asc"]),
        ("meta.b-c desc, -meta.a", ["-meta.b-c", "-meta.a"]),
        ('meta."x, y" desc', ['-meta."x, y"']),
    ],
)
def test_it_reads_an_order(text: str, expected: list[str]) -> None:
    assert [str(each) for each in parse_sort(text)] == expected


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("-", 2, "name of a field"),
        ("name up", 6, "asc, desc, a comma or the end"),
        ("name descending", 6, "asc, desc, a comma or the end"),
        ("name asc desc", 10, "asc, desc, a comma or the end"),
        ("-name desc", 11, "not both"),
        ("name,", 6, "nothing follows the comma"),
        ("name,name desc", 15, "name is there already"),
        ("name;drop table jobs", 5, "asc, desc, a comma or the end"),
        ("a,b,c,d,e,f", 11, "at most 5"),
        ("x" * 1001, 1001, "at most 1,000 characters"),
    ],
)
def test_it_says_where_and_what_is_wrong(text: str, position: int, expected: str) -> None:
    with pytest.raises(Unreadable, match=f"at character {position}: .*{re.escape(expected)}"):
        parse_sort(text)


@given(SORTS)
def test_what_is_written_is_read_again(wanted: list[SortField]) -> None:
    assert parse_sort(", ".join(map(str, wanted))) == tuple(wanted)


@given(st.text(st.sampled_from('ab_.," -desc\x00'), max_size=30) | st.text(max_size=60))
def test_nothing_else_comes_of_any_text(text: str) -> None:
    found = attempt(parse_sort, text)

    assert isinstance(found, Unreadable) or len({each.name for each in found}) == len(found)


def test_a_field_knows_where_it_stood() -> None:
    assert [each.position for each in parse_sort("a, -b")] == [0, 3]
    assert parse_sort("a") == (SortField(FieldName("a")),)
