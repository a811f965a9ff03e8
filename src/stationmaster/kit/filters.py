"""The `filter` of a list, read into a tree. Pure.

    filter = item *( "," item )                      every item must hold
    item   = term / "(" term *( OR term ) ")"        one of its terms must hold
    term   = field operator value
    value  = null / text to the next comma / quoted text, in which the quotation mark is written twice

`state = failed, queued_at >= 2026-11-01, (job_name like night% OR job_name = "a, b")`

Which fields there are, which operators they take and what their values mean is not known here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from stationmaster.kit.field_name import FieldName, expect_comma, take_name, take_quoted
from stationmaster.kit.scanner import Scanner, Unreadable

MAX_LENGTH = 4000
MAX_TERMS = 50
MAX_MEMBERS = 20


class Operator(StrEnum):
    """What stands between a field and a value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    GREATER_OR_EQUAL = ">="
    LESS_OR_EQUAL = "<="
    LIKE = "like"


@dataclass(frozen=True)
class Term:
    """One comparison. `value` is None for null; `is_text` says that it was quoted, so that `"5"` is not a number."""

    name: FieldName
    operator: Operator
    value: str | None
    is_text: bool = False
    position: int = field(default=0, compare=False)


Clause = tuple[Term, ...]
"""Terms of which one must hold."""
Filter = tuple[Clause, ...]
"""Clauses that must all hold."""

_OPERATOR = re.compile(r"[!<>]=|[=<>]|like(?![^\s'\"])", re.IGNORECASE)
_OPERATOR_AGAIN = re.compile(r"[=<>]|!=")
_TO_COMMA = re.compile(r"[^,]*+")
_END_IN_GROUP = re.compile(r"[,)]|[ \t\r\n](?=or[ \t\r\n])", re.IGNORECASE)
_OR = re.compile(r"or(?=[ \t\r\n(])[ \t\r\n]*+", re.IGNORECASE)
# What looks like another term after a word that means nothing outside parentheses.
_JOINED = re.compile(r"[ \t](?P<word>or|and)[ \t]++[a-z_][\w.]*+[ \t]*+(?:[=<>]|!=|like[ \t])", re.IGNORECASE)
_OPERATORS = " ".join(Operator)


def parse_filter(text: str) -> Filter:
    """Read a filter; blank text has no clauses and so lets everything through.

    Raises:
        Unreadable: says where and what is expected.
    """
    scanner = Scanner(text, max_length=MAX_LENGTH)
    clauses: list[Clause] = []
    while not scanner.is_done:
        clauses.append(_take_clause(scanner))
        count = sum(len(clause) for clause in clauses)
        if count > MAX_TERMS:
            raise scanner.wrong(f"at most {MAX_TERMS} comparisons are allowed")
        expect_comma(scanner, count=count, most=MAX_TERMS)
    return tuple(clauses)


def parse_member_filter(texts: Sequence[str], field_name: str) -> Filter:
    """Read `key:value` pairs about a JSON field; pairs of the same key are alternatives, different keys must all hold.

    Only the first colon counts, commas mean nothing, blanks around key and value are left out.

    Raises:
        Unreadable: a pair has no colon or no key, or there are too many.
    """
    if len(texts) > MAX_MEMBERS:
        raise Unreadable(0, f"at most {MAX_MEMBERS} are allowed")
    clauses: dict[str, list[Term]] = {}
    for text in texts:
        key, value = _split_pair(text)
        clauses.setdefault(key, []).append(Term(FieldName(field_name, key), Operator.EQUAL, value))
    return tuple(tuple(terms) for terms in clauses.values())


def _split_pair(text: str) -> tuple[str, str]:
    scanner = Scanner(text, max_length=MAX_LENGTH)
    key, colon, value = scanner.text.partition(":")
    if not colon or not key.strip():
        raise scanner.wrong("write field:value")
    return key.strip(), value.strip()


def _take_clause(scanner: Scanner) -> Clause:
    if not scanner.take_token("("):
        return (_take_term(scanner, in_group=False),)
    terms = [_take_term(scanner, in_group=True)]
    while scanner.take(_OR):
        terms.append(_take_term(scanner, in_group=True))
    if not scanner.take_token(")"):
        raise scanner.wrong("OR or ) is expected; write a text that has a comma in quotes")
    return tuple(terms)


def _take_term(scanner: Scanner, *, in_group: bool) -> Term:
    position = scanner.position
    name = take_name(scanner)
    operator = scanner.take(_OPERATOR)
    if operator is None:
        raise scanner.wrong(f"an operator is expected after {name}: one of {_OPERATORS}")
    scanner.skip_blanks()
    if _OPERATOR_AGAIN.match(scanner.text, scanner.position):
        raise scanner.wrong(f"two operators in a row; there are {_OPERATORS}")
    value, is_text = _take_value(scanner, in_group=in_group)
    return Term(name, Operator(operator[0].lower()), value, is_text, position)


def _take_value(scanner: Scanner, *, in_group: bool) -> tuple[str | None, bool]:
    quoted = take_quoted(scanner)
    if quoted is not None:
        scanner.skip_blanks()
        return quoted, True
    bare = _take_bare(scanner, in_group=in_group)
    return (None if bare.lower() == "null" else bare), False


def _take_bare(scanner: Scanner, *, in_group: bool) -> str:
    start = scanner.position
    scanner.position = _end_of_bare(scanner, in_group=in_group)
    bare = scanner.text[start : scanner.position].rstrip(" \t\r\n")
    joined = _JOINED.search(bare)
    if joined:
        word = joined["word"].upper()
        raise Unreadable(
            start + joined.start() + 1, f"{word} does not stand here: a comma means and, (a OR b) means or"
        )
    if not bare:
        raise Unreadable(start, 'a value is expected; write "" for empty text and null for none')
    scanner.skip_blanks()
    return bare


def _end_of_bare(scanner: Scanner, *, in_group: bool) -> int:
    if in_group:
        end = _END_IN_GROUP.search(scanner.text, scanner.position)
        return end.start() if end else len(scanner.text)
    match = _TO_COMMA.match(scanner.text, scanner.position)
    return match.end() if match else scanner.position
