"""Members of JSON columns in SQL, meaning the same on both databases; keys and values are always bound parameters.

PostgreSQL has operators for them. SQLite is asked through `json_each`, which compares keys as plain text: its paths
(`$.key`) cannot express every key. Text, numbers and booleans are compared; objects and arrays equal nothing.
"""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from stationmaster.db.field_kind import NUMBER, TEXT, Condition
from stationmaster.kit.filters import Operator

Document = sa.ColumnElement[Any]
Scalar = str | bool | int | float

_NUMBER = re.compile(r"(?P<whole>-?(?:0|[1-9]\d{0,17}))(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_NUMERIC = ("integer", "real")  # SQLite's names for numbers


class PerDialect(FunctionElement[Any]):
    """One meaning in two spellings: the first is SQLite's, the second PostgreSQL's."""

    inherit_cache = True

    def __init__(self, sqlite: sa.ColumnElement[Any], postgresql: sa.ColumnElement[Any]) -> None:
        super().__init__(sqlite, postgresql)
        self.type = postgresql.type


@compiles(PerDialect, "sqlite")
def _spell_for_sqlite(element: PerDialect, compiler: SQLCompiler, **options: Any) -> str:
    sqlite, _ = element.clauses
    return f"({compiler.process(sqlite, **options)})"


@compiles(PerDialect, "postgresql")
def _spell_for_postgresql(element: PerDialect, compiler: SQLCompiler, **options: Any) -> str:
    _, postgresql = element.clauses
    return f"({compiler.process(postgresql, **options)})"


def compare_member(document: Document, key: str, operator: Operator, text: str, *, is_text: bool) -> Condition:
    """Compare a member with a value as it was written.

    Unless the value `is_text` for certain, `5` also means the number and `true` the boolean, and a number is compared by
    size with numbers only.
    """
    readings: list[Scalar] = [text] if is_text else _readings(text)
    if operator is Operator.EQUAL:
        return _member_equals(document, key, readings)
    if operator is not Operator.LIKE and any(_is_number(reading) for reading in readings):
        return NUMBER.compare(member_number(document, key), operator, text)
    return TEXT.compare(member_text(document, key), operator, text)


def member_is_missing(document: Document, key: str) -> Condition:
    """Say whether the document has no such member, or null there."""
    one = _members(document)
    on_sqlite = sa.func.coalesce(_pick(one, key, one.c.type), "null") == "null"
    on_postgresql = sa.func.coalesce(_jsonb_type(document, key), "null") == "null"
    return PerDialect(on_sqlite, on_postgresql)


def member_number(document: Document, key: str) -> sa.ColumnElement[float]:
    """Return the member where it is a number, as a double; NULL elsewhere."""
    one = _members(document)
    on_sqlite = _pick(one, key, sa.case((one.c.type.in_(_NUMERIC), sa.cast(one.c.atom, sa.Float))))
    as_number = sa.cast(_jsonb(document)[key].astext, sa.Float)
    return PerDialect(on_sqlite, sa.case((_jsonb_type(document, key) == "number", as_number)))


def member_text(document: Document, key: str) -> sa.ColumnElement[str]:
    """Return the member as text, a boolean as `true` or `false`; NULL where it is an object, an array or missing."""
    one = _members(document)
    as_text = sa.case((one.c.type.in_(("true", "false")), one.c.type), else_=sa.cast(one.c.atom, sa.Text))
    is_scalar = _jsonb_type(document, key).in_(("string", "number", "boolean"))
    return PerDialect(_pick(one, key, as_text), sa.case((is_scalar, _jsonb(document)[key].astext)))


def _member_equals(document: Document, key: str, readings: list[Scalar]) -> Condition:
    one = _members(document)
    alike = sa.or_(*(_equals_atom(one, reading) for reading in readings))
    on_sqlite = sa.exists(sa.select(sa.literal(1)).select_from(one).where(one.c.key == key, alike))
    # Containment, because an index on the whole document (GIN) can answer it.
    return PerDialect(on_sqlite, sa.or_(*(_jsonb(document).contains({key: reading}) for reading in readings)))


def _equals_atom(one: sa.TableValuedAlias, reading: Scalar) -> Condition:
    if isinstance(reading, bool):
        return one.c.type == str(reading).lower()
    if isinstance(reading, str):
        return sa.and_(one.c.type == "text", one.c.atom == sa.literal(reading, sa.Text))
    return sa.and_(one.c.type.in_(_NUMERIC), one.c.atom == reading)


def _readings(text: str) -> list[Scalar]:
    """Return what a value means that was written without quotes."""
    match = _NUMBER.fullmatch(text)
    if match:
        return [text, int(text) if match["whole"] == text else float(text)]
    return [text, text == "true"] if text in {"true", "false"} else [text]


def _is_number(reading: Scalar) -> bool:
    return isinstance(reading, int | float) and not isinstance(reading, bool)


def _members(document: Document) -> sa.TableValuedAlias:
    columns: tuple[sa.ColumnClause[Any], ...] = (
        sa.column("key", sa.Text),
        sa.column("type", sa.Text),
        sa.column("atom"),
    )
    return sa.func.json_each(document).table_valued(*columns)


def _pick(one: sa.TableValuedAlias, key: str, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.select(value).select_from(one).where(one.c.key == key).scalar_subquery()


def _jsonb(document: Document) -> Any:
    return sa.type_coerce(document, JSONB)


def _jsonb_type(document: Document, key: str) -> sa.ColumnElement[str]:
    return sa.func.jsonb_typeof(_jsonb(document)[key], type_=sa.Text)
