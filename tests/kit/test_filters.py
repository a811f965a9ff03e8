"""The filter language: what it reads, what it refuses, and that it does both quickly."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.kit.field_name import FieldName, quote
from stationmaster.kit.filters import (
    MAX_LENGTH,
    MAX_MEMBERS,
    MAX_TERMS,
    Clause,
    Filter,
    Operator,
    Term,
    parse_filter,
    parse_member_filter,
)
from stationmaster.kit.scanner import Unreadable
from tests.kit.refusals import attempt

STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
BARE = st.from_regex(r"[a-zA-Z0-9%_.:/é-]([a-zA-Z0-9%_.:/ é'()-]{0,10}[a-zA-Z0-9%_.:/é-])?", fullmatch=True)
NAMES = st.builds(FieldName, st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True), st.none() | STORABLE)
TERMS = st.builds(
    Term, NAMES, st.sampled_from(Operator), st.none() | BARE.filter(lambda text: text.lower() != "null")
) | st.builds(Term, NAMES, st.sampled_from(Operator), STORABLE, st.just(True))
FILTERS = st.lists(st.lists(TERMS, min_size=1, max_size=4).map(tuple), max_size=5).map(tuple)
BLANKS = st.sampled_from(["", " ", "\t", "  "])


def name(text: str, key: str | None = None) -> FieldName:
    return FieldName(text, key)


def one(field: str, operator: str, value: str | None, *, is_text: bool = False) -> Filter:
    return ((Term(name(field), Operator(operator), value, is_text),),)


def write_term(term: Term, *, in_group: bool) -> str:
    value = "null" if term.value is None else term.value
    if term.is_text or (in_group and re.search(r"[()]|\sor\s", value, re.IGNORECASE)):
        value = quote(value)
    return f"{term.name} {term.operator} {value}"


def write_clause(clause: Clause) -> str:
    if len(clause) == 1:
        return write_term(clause[0], in_group=False)
    return f"({' OR '.join(write_term(term, in_group=True) for term in clause)})"


def without_quotes(wanted: Filter) -> list[list[tuple[str, str, str | None]]]:
    """Forget which values were quoted: in a group, more has to be."""
    return [[(str(term.name), term.operator, term.value) for term in clause] for clause in wanted]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  ", ()),
        ("state=failed", one("state", "=", "failed")),
        ("  state  =  failed  ", one("state", "=", "failed")),
        ("a>=2", one("a", ">=", "2")),
        ("a != null", one("a", "!=", None)),
        ("a = NULL", one("a", "=", None)),
        ("a = 'null'", one("a", "=", "null", is_text=True)),
        ("a = ''", one("a", "=", "", is_text=True)),
        ('a = "x, (y) OR b = 1"', one("a", "=", "x, (y) OR b = 1", is_text=True)),
        ('a="say ""hi"""', one("a", "=", 'say "hi"', is_text=True)),
        ("a = 'it''s'", one("a", "=", "it's", is_text=True)),
        ("a = it's", one("a", "=", "it's")),
        ("a LIKE x%", one("a", "like", "x%")),
        ("a like'x'", one("a", "like", "x", is_text=True)),
        ("like like like", one("like", "like", "like")),
        ("a = research and development", one("a", "=", "research and development")),
        ("a = f(x)", one("a", "=", "f(x)")),
        ("a = 2026-11-21T08:30:00+01:00", one("a", "=", "2026-11-21T08:30:00+01:00")),
        ("a = !x", one("a", "=", "!x")),
        ("(a = 1)", one("a", "=", "1")),
    ],
)
def test_it_reads_a_comparison(text: str, expected: Filter) -> None:
    assert parse_filter(text) == expected


def test_commas_mean_and_and_groups_mean_or() -> None:
    a, b, c = (one(field, "=", "1")[0][0] for field in "abc")

    assert parse_filter("a = 1, (b=1 OR c = 1), c=1") == ((a,), (b, c), (c,))
    assert parse_filter("( a = 1 or b = 1 Or(c = 1) )".replace("(c = 1)", " c = 1")) == ((a, b, c),)


def test_members_of_objects_have_any_name() -> None:
    terms = [clause[0] for clause in parse_filter('meta.a = 1, meta.b.c-d = 2, meta."e ""f"", g" = 3, meta.é = 4')]

    assert [term.name for term in terms] == [
        name("meta", "a"),
        name("meta", "b.c-d"),
        name("meta", 'e "f", g'),
        name("meta", "é"),
    ]


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("=", 1, "name of a field"),
        ("1a = 2", 1, "name of a field"),
        ("état = 2", 1, "name of a field"),
        ("state", 6, "one of = != > < >= <= like"),
        ("state ~ x", 7, "one of = != > < >= <= like"),
        ("state ! x", 7, "one of = != > < >= <= like"),
        ("statelike x", 11, "an operator is expected after statelike"),
        ("state like", 11, "a value is expected"),
        ("state =", 8, 'write "" for empty text'),
        ("state = , a = 1", 9, "a value is expected"),
        ("state == x", 8, "two operators"),
        ("state => x", 8, "two operators"),
        ("state <> x", 8, "two operators"),
        ("state like = 5", 12, "two operators"),
        ("state = 'x", 9, "never closed"),
        ("state = 'x'y", 12, "a comma is expected"),
        ("a = 1,", 7, "nothing follows the comma"),
        ("a = 1,,b = 1", 7, "name of a field"),
        ("a = b OR c = d", 7, "OR does not stand here"),
        ("a = b and c like d", 7, "AND does not stand here"),
        ("(a = 1 OR b = 2", 16, "OR or ) is expected"),
        ("(a = 1, b = 2)", 7, "write a text that has a comma in quotes"),
        ("(a = 1) b", 9, "a comma is expected"),
        ("()", 2, "name of a field"),
        ("((a = 1))", 2, "name of a field"),
        ("a. = 1", 3, "a key is expected"),
        ("a = b\x00", 6, "not allowed"),
        ("a = \ud800", 5, "not allowed"),
        ("a = " + "x" * MAX_LENGTH, MAX_LENGTH + 1, "at most 4,000 characters"),
        (", ".join(["a = 1"] * (MAX_TERMS + 1)), 351, "at most 50"),
        (f"({' OR '.join(['a = 1'] * (MAX_TERMS + 1))})", 458, "at most 50"),
    ],
)
def test_it_says_where_and_what_is_wrong(text: str, position: int, expected: str) -> None:
    with pytest.raises(Unreadable, match=f"at character {position}: .*{re.escape(expected)}") as refused:
        parse_filter(text)

    assert refused.value.position == position - 1


@given(FILTERS)
def test_what_is_written_is_read_again(wanted: Filter) -> None:
    text = ", ".join(write_clause(clause) for clause in wanted)

    assert without_quotes(parse_filter(text)) == without_quotes(wanted)


@given(NAMES, st.sampled_from(Operator), STORABLE, BLANKS, st.booleans())
def test_quoted_text_is_read_as_it_is(
    field: FieldName, operator: Operator, value: str, blank: str, single: bool
) -> None:
    quoted = "'" + value.replace("'", "''") + "'" if single else quote(value)

    text = f"{blank}{field} {blank}{operator}{blank}{quoted}{blank}"

    assert parse_filter(text) == ((Term(field, operator, value, is_text=True),),)


@given(st.text(st.sampled_from("ab_.=!<>,'\"() \tliкkeorORnul%-1\x00\ud800"), max_size=40) | st.text(max_size=60))
def test_nothing_else_comes_of_any_text(text: str) -> None:
    wanted = attempt(parse_filter, text)

    assert isinstance(wanted, Unreadable) or sum(len(clause) for clause in wanted) <= MAX_TERMS


HOSTILE = (
    " ", "'", '"', '""', "(", ")", ",", "a", "a=1 or ", " or ", "a = 1 and a ", "((", "a like ", "=", "a.", ' OR a = "',
    "a=1,", "(a=1),",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_it_takes_time_in_proportion(piece: str) -> None:
    texts = [beginning + piece * (3900 // len(piece)) for beginning in ("", "a = ", "a = '", "(a = 1", 'a."')]

    begun = time.process_time()
    for text in texts:
        attempt(parse_filter, text)

    assert time.process_time() - begun < 0.1


def test_pairs_of_the_same_key_are_alternatives() -> None:
    found = parse_member_filter(["region:north", "size:5", "region: a,b:c "], "metadata")

    assert [[(term.name.key, term.value) for term in clause] for clause in found] == [
        [("region", "north"), ("region", "a,b:c")],
        [("size", "5")],
    ]


@pytest.mark.parametrize("texts", [["region"], [":x"], [" : x"], [""], ["a:\x00"], ["a:b"] * (MAX_MEMBERS + 1)])
def test_pairs_that_are_none_are_refused(texts: list[str]) -> None:
    with pytest.raises(Unreadable):
        parse_member_filter(texts, "metadata")


@given(st.text(max_size=30))
def test_nothing_else_comes_of_any_pair(text: str) -> None:
    found = attempt(lambda pair: parse_member_filter([pair], "metadata"), text)

    if not isinstance(found, Unreadable):
        [[term]] = found
        assert (term.name.key, term.value) == tuple(part.strip() for part in text.split(":", 1))
