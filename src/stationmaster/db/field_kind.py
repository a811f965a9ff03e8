"""What the values of a list's fields are: how they are written, which operators they take, and what that is in SQL.

Every value becomes a bound parameter of a fixed type. An instant stands for the millisecond it names, as the API shows no
more, and a date for its whole day: `queued_at <= 2026-11-21` includes that day.
"""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import AwareDatetime, Field, FiniteFloat
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from stationmaster.kit.filters import Operator
from stationmaster.kit.instants import parse_span

Condition = sa.ColumnElement[bool]
Compare = Callable[[sa.ColumnElement[Any], Operator, str], Condition]

INT64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]

EXACT = frozenset({Operator.EQUAL, Operator.NOT_EQUAL})
ORDERED = frozenset(Operator) - {Operator.LIKE}
TEXTUAL = frozenset(Operator)

_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,400}(?:\.\d{1,400})?(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_COMPARISONS: dict[Operator, Callable[[Any, Any], Condition]] = {
    Operator.EQUAL: operator.eq,
    Operator.GREATER: operator.gt,
    Operator.LESS: operator.lt,
    Operator.GREATER_OR_EQUAL: operator.ge,
    Operator.LESS_OR_EQUAL: operator.le,
}


@dataclass(frozen=True)
class Kind:
    """One kind of value. `compare` does not know `!=`, which is always the opposite of `=`, and raises ValueError."""

    operators: frozenset[Operator]
    wanted: str
    """Completes the sentence "here stands ..."."""
    python: Any
    """The type that the database's values have here, as Pydantic checks it."""
    compare: Compare


def kind_of(column: sa.ColumnElement[Any]) -> Kind:
    """Return the kind of value that a column holds.

    Raises:
        TypeError: values of this type are not compared in lists.
    """
    if isinstance(column.type, sa.Enum) and column.type.enum_class is not None:
        return choice(column.type.enum_class)
    for kind_of_column, kind in _BY_TYPE:
        if isinstance(column.type, kind_of_column):
            return kind
    raise TypeError(f"{column} is {column.type}: lists do not compare that")


def like_pattern(text: str) -> str:
    """Write a text as a pattern in which `%` alone is special; the escape character is the backslash."""
    return text.replace("\\", "\\\\").replace("_", "\\_")


def read_number(text: str) -> float:
    """Read a decimal number.

    Raises:
        ValueError: it is none, or no double is so large.
    """
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError
    return float(text)


def _by_value(read: Callable[[str], sa.ColumnElement[Any]]) -> Compare:
    def compare(expression: sa.ColumnElement[Any], comparison: Operator, text: str) -> Condition:
        return _COMPARISONS[comparison](expression, read(text))

    return compare


def equals_choice(expression: sa.ColumnElement[Any], value: Enum) -> Condition:
    """Compare with one of an enum's values, written into the statement: only so an index on some of them is seen to fit."""
    return expression == sa.literal(value, expression.type, literal_execute=True)


def choice(choices: type[Enum]) -> Kind:
    """Make the kind of an enum's values."""

    def compare(expression: sa.ColumnElement[Any], _equal: Operator, text: str) -> Condition:
        return equals_choice(expression, choices(text))

    return Kind(EXACT, f"one of {', '.join(str(each.value) for each in choices)}", choices, compare)


def _read_uuid(text: str) -> sa.ColumnElement[Any]:
    if not _UUID.fullmatch(text):
        raise ValueError
    return sa.literal(UUID(text), sa.Uuid())


def _read_flag(text: str) -> sa.ColumnElement[Any]:
    return sa.literal({"true": True, "false": False}[text.lower()], sa.Boolean())


def _read_whole(text: str) -> sa.ColumnElement[Any]:
    # As 64 bits, also where the column has 32: a larger number is then just not found.
    if not _WHOLE.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError
    return sa.literal(int(text), sa.BigInteger())


def _read_day(text: str) -> sa.ColumnElement[Any]:
    if not _DAY.fullmatch(text):
        raise ValueError
    return sa.literal(date.fromisoformat(text), sa.Date())


def _compare_instant(expression: sa.ColumnElement[Any], comparison: Operator, text: str) -> Condition:
    span = parse_span(text)
    start, end = _instant(span.start), _instant(span.end)
    match comparison:
        case Operator.GREATER:
            return expression >= end
        case Operator.LESS_OR_EQUAL:
            return expression < end
        case Operator.GREATER_OR_EQUAL:
            return expression >= start
        case Operator.LESS:
            return expression < start
    return sa.and_(expression >= start, expression < end)


def _instant(value: datetime) -> sa.ColumnElement[Any]:
    return sa.literal(value, UTCDateTime())


def _compare_text(expression: sa.ColumnElement[Any], comparison: Operator, text: str) -> Condition:
    if comparison is Operator.LIKE:
        return expression.ilike(sa.literal(like_pattern(text), sa.String()), escape="\\")
    return _COMPARISONS[comparison](expression, sa.literal(text, sa.String()))


IDENTIFIER = Kind(EXACT, "a UUID", UUID, _by_value(_read_uuid))
FLAG = Kind(EXACT, "true or false", bool, _by_value(_read_flag))
WHOLE = Kind(ORDERED, "a whole number of 64 bits", INT64, _by_value(_read_whole))
NUMBER = Kind(ORDERED, "a number", FiniteFloat, _by_value(lambda text: sa.literal(read_number(text), sa.Float())))
INSTANT = Kind(ORDERED, "an instant or a date", AwareDatetime, _compare_instant)
DAY = Kind(ORDERED, "a date", date, _by_value(_read_day))
TEXT = Kind(TEXTUAL, "text", str, _compare_text)

_BY_TYPE: tuple[tuple[type[sa.types.TypeEngine[Any]], Kind], ...] = (
    (sa.Uuid, IDENTIFIER),
    (sa.Boolean, FLAG),
    (UTCDateTime, INSTANT),
    (sa.Date, DAY),
    (sa.Float, NUMBER),
    (sa.Integer, WHOLE),
    (AutoString, TEXT),
    (sa.String, TEXT),
)
