"""Orders of rows, and pages of a list that go on from a row instead of counting from the start (keyset paging).

A cursor holds the values by which a row is placed in the order, so that the next page begins behind them whatever has been
added or deleted meanwhile, and costs the same at any depth when an index has the order. What stands behind a row is read
segment by segment: first the rows that agree with it in all fields of the order but the last, then in all but the last
two, and so on. Each segment is one range of an index, which a single condition joined by OR would not be.

NULL counts as the largest value, so it comes last in ascending order and first in descending: that is how PostgreSQL's
indexes are ordered. (sqlakeyset, which fastapi-pagination would use, loses the rows that have NULL in the order.)
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.kit.scanner import UNSTORABLE

# Five texts of 255 characters, each of four bytes, written in base64.
MAX_CURSOR = 8000
_DIGEST_BYTES = 6


class BadCursor(ValueError):
    """A text that is no cursor of this list in this order."""


@dataclass(frozen=True)
class OrderKey:
    """One expression of an order; `python` is the type of its values, as Pydantic checks it."""

    expression: sa.ColumnElement[Any]
    python: Any
    is_descending: bool = False

    @property
    def is_nullable(self) -> bool:
        return not isinstance(self.expression, sa.Column) or bool(self.expression.nullable)

    @property
    def clause(self) -> sa.ColumnElement[Any]:
        clause = self.expression.desc() if self.is_descending else self.expression.asc()
        if not self.is_nullable:
            return clause
        return clause.nulls_first() if self.is_descending else clause.nulls_last()


@dataclass(frozen=True)
class Order:
    """The order of a list: its last key is unique. `name` tells it from other orders."""

    name: str
    keys: tuple[OrderKey, ...]

    def apply(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        """Put the statement into this order."""
        return statement.order_by(None).order_by(*(key.clause for key in self.keys))

    def reversed(self) -> "Order":
        keys = (replace(key, is_descending=not key.is_descending) for key in self.keys)
        return Order(self.name, tuple(keys))


@dataclass(frozen=True)
class Slice:
    """Some rows of a list, and the cursors of those before and behind, None where there are none."""

    rows: Sequence[Any]
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True)
class _Place:
    """A row's place in an order, and which way to go on from it."""

    values: tuple[Any, ...]
    is_backward: bool


async def read_slice(
    session: AsyncSession, statement: sa.Select[Any], order: Order, *, cursor: str, size: int
) -> Slice:
    """Read up to `size` rows from a cursor on, or from the start when it is empty. The statement selects one entity.

    Raises:
        BadCursor: it was not made for this order.
    """
    place = _decode(order, cursor) if cursor else None
    is_backward = place is not None and place.is_backward
    way = order.reversed() if is_backward else order
    rows = await _read_behind(session, statement, way, place.values if place else None, limit=size + 1)
    has_more = len(rows) > size
    rows = rows[:size]
    if is_backward:
        rows.reverse()
    has_next, has_previous = (True, has_more) if is_backward else (has_more, place is not None)
    return Slice(
        [row[0] for row in rows],
        _encode(order, rows[-1][1:], is_backward=False) if rows and has_next else None,
        _encode(order, rows[0][1:], is_backward=True) if rows and has_previous else None,
    )


async def _read_behind(
    session: AsyncSession, statement: sa.Select[Any], order: Order, values: tuple[Any, ...] | None, *, limit: int
) -> list[sa.Row[Any]]:
    statement = statement.order_by(None).add_columns(*(key.expression for key in order.keys))
    rows: list[sa.Row[Any]] = []
    for conditions in _segments(order, values):
        segment = order.apply(statement.where(*conditions)).limit(limit - len(rows))
        rows += (await session.execute(segment)).all()
        if len(rows) == limit:
            break
    return rows


def _segments(order: Order, values: tuple[Any, ...] | None) -> Iterator[list[sa.ColumnElement[bool]]]:
    """Divide what stands behind a row into ranges, nearest first; everything is behind no row."""
    if values is None:
        yield []
        return
    for depth in reversed(range(len(order.keys))):
        agreeing = [_equals(key, value) for key, value in zip(order.keys[:depth], values[:depth], strict=True)]
        for condition in _behind(order.keys[depth], values[depth]):
            yield [*agreeing, condition]


def _behind(key: OrderKey, value: Any) -> Iterator[sa.ColumnElement[bool]]:
    if value is None:
        if key.is_descending:
            yield key.expression.is_not(None)
        return
    bound = sa.literal(value, key.expression.type)
    yield key.expression < bound if key.is_descending else key.expression > bound
    if key.is_nullable and not key.is_descending:
        yield key.expression.is_(None)


def _equals(key: OrderKey, value: Any) -> sa.ColumnElement[bool]:
    return key.expression.is_(None) if value is None else key.expression == sa.literal(value, key.expression.type)


def _encode(order: Order, values: Sequence[Any], *, is_backward: bool) -> str:
    body = _adapter(_types(order)).dump_json((is_backward, *values))
    return base64.urlsafe_b64encode(_digest(order, body) + body).decode().rstrip("=")


def _decode(order: Order, cursor: str) -> _Place:
    try:
        raw = base64.b64decode(cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        is_backward, *values = _adapter(_types(order)).validate_json(raw[_DIGEST_BYTES:], strict=True)
    except ValueError as error:
        raise BadCursor from error
    has_wrong_text = any(isinstance(value, str) and UNSTORABLE.search(value) for value in values)
    if has_wrong_text or _digest(order, raw[_DIGEST_BYTES:]) != raw[:_DIGEST_BYTES]:
        raise BadCursor
    return _Place(tuple(values), is_backward)


def _types(order: Order) -> tuple[Any, ...]:
    return tuple(key.python for key in order.keys)


@lru_cache(maxsize=256)
def _adapter(types: tuple[Any, ...]) -> TypeAdapter[Any]:
    shape: Any = tuple[(bool, *(kind | None for kind in types))]  # type: ignore[misc]  # made at run time
    return TypeAdapter(shape)


def _digest(order: Order, body: bytes) -> bytes:
    """Tell cursors of other lists and orders, and cut or mistyped ones, from those made here."""
    return hashlib.blake2s(order.name.encode() + b"\n" + body, digest_size=_DIGEST_BYTES).digest()
