"""Cursors: they visit every row once, in both directions, in any order, and are worth nothing elsewhere."""

import base64
from collections.abc import AsyncIterator
from random import Random
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import keyset
from stationmaster.db.engine import Database
from stationmaster.db.keyset import BadCursor, Order, Slice, read_slice
from stationmaster.db.listing import compile_sort
from stationmaster.kit.sorting import parse_sort
from tests.db.conftest import DAY, Colour, Thing, keeper_id, thing_id
from tests.db.test_listing import THINGS
from tests.support.databases import ONLY_SQLITE

ROWS = 60
ORDERS = [
    "",
    "-id",
    "number",
    "-number",
    "colour, -number",
    "-colour, number, -id",
    "is_new, name",
    "-made_at",
    "made_at, colour desc, weight",
    "keeper, -weight",
    "facts.size",
    "-facts.size, number",
]
STATEMENT: Any = sa.select(Thing)


def order_of(sort: str) -> Order:
    return compile_sort(THINGS, parse_sort(sort), parameter="sort", is_admin=True)


def random_row(random: Random, number: int) -> dict[str, Any]:
    """Make a row with few different values and many that are missing."""
    values: dict[str, list[Any]] = {
        "colour": list(Colour),
        "is_new": [True, False],
        "made_at": [DAY, DAY.replace(microsecond=1), DAY.replace(microsecond=2)],
        "name": ["a", "b", "ä", ""],
        "story": ["once"],
        "number": [1, 2, 3],
        "weight": [0.1, 0.2, 0.30000000000000004],
        "keeper_id": [keeper_id(1), keeper_id(2), keeper_id(3)],
        "facts": [{}, {"size": 1}, {"size": 1.5}, {"size": "one"}, {"size": True}],
    }
    return {"id": thing_id(number), **{name: random.choice([None, *choices]) for name, choices in values.items()}}


@pytest.fixture
async def heap(shed: Database) -> AsyncIterator[AsyncSession]:
    """Open the database with many rows that are much alike."""
    random = Random(21)
    async with shed.writer.begin() as connection:
        await connection.execute(sa.delete(Thing))
        await connection.execute(sa.insert(Thing), [random_row(random, number) for number in range(1, ROWS + 1)])
    async with AsyncSession(shed.reader) as session:
        yield session


def ids(part: Slice) -> list[int]:
    return [row.id.int for row in part.rows]


async def walk(session: AsyncSession, order: Order, size: int) -> list[Slice]:
    """Follow `next_cursor` to the end."""
    parts = [await read_slice(session, STATEMENT, order, cursor="", size=size)]
    while parts[-1].next_cursor:
        parts.append(await read_slice(session, STATEMENT, order, cursor=parts[-1].next_cursor, size=size))
    return parts


@pytest.mark.parametrize("sort", ORDERS)
async def test_forward_and_back_every_row_is_visited_once(heap: AsyncSession, sort: str) -> None:
    order = order_of(sort)
    expected = [row.id.int for row in await heap.scalars(order.apply(STATEMENT))]

    parts = await walk(heap, order, size=7)
    back = [parts[-1]]
    while back[-1].previous_cursor:
        back.append(await read_slice(heap, STATEMENT, order, cursor=back[-1].previous_cursor, size=7))

    assert [id_ for part in parts for id_ in ids(part)] == expected
    assert [id_ for part in reversed(back) for id_ in ids(part)] == expected


@pytest.mark.parametrize("size", [1, 20, ROWS - 1, ROWS, ROWS + 1])
async def test_pages_may_have_any_size(heap: AsyncSession, size: int) -> None:
    parts = await walk(heap, order_of("number"), size)

    assert sum(len(part.rows) for part in parts) == ROWS
    assert [len(part.rows) for part in parts[:-1]] == [size] * (len(parts) - 1)


async def test_only_neighbours_that_exist_have_a_cursor(heap: AsyncSession) -> None:
    parts = await walk(heap, order_of("-id"), size=ROWS // 3)

    assert [(part.previous_cursor is None, part.next_cursor is None) for part in parts] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    first = await read_slice(heap, STATEMENT, order_of("-id"), cursor=parts[1].previous_cursor or "", size=ROWS // 3)
    assert (ids(first), first.previous_cursor) == (ids(parts[0]), None)


async def test_new_and_deleted_rows_move_no_page(heap: AsyncSession, shed: Database) -> None:
    order = order_of("-id")
    first = await read_slice(heap, STATEMENT, order, cursor="", size=10)
    async with shed.writer.begin() as connection:
        await connection.execute(sa.insert(Thing), [random_row(Random(1), 1000)])
        await connection.execute(sa.delete(Thing).where(Thing.id == first.rows[-1].id))
    await heap.rollback()

    second = await read_slice(heap, STATEMENT, order, cursor=first.next_cursor or "", size=10)

    assert ids(second) == list(range(ROWS - 10, ROWS - 20, -1))


async def test_an_empty_list_leads_nowhere(heap: AsyncSession) -> None:
    part = await read_slice(heap, STATEMENT.where(sa.false()), order_of("name"), cursor="", size=5)

    assert part == Slice([], None, None)


def forge(order: Order, body: bytes) -> str:
    """Make a cursor with any body and the right digest."""
    return base64.urlsafe_b64encode(keyset._digest(order, body) + body).decode().rstrip("=")


@ONLY_SQLITE
async def test_a_cursor_of_another_order_or_a_mangled_one_is_refused(heap: AsyncSession) -> None:
    order = order_of("name")
    cursor = (await read_slice(heap, STATEMENT, order, cursor="", size=5)).next_cursor or ""
    other = (await read_slice(heap, STATEMENT, order_of("-name"), cursor="", size=5)).next_cursor or ""

    for bad in (
        other,
        cursor[:-1],
        cursor[1:],
        cursor + "A",
        cursor.swapcase(),
        "x",
        "é",
        "====",
        "A" * 100,
        "A" * 5000,
    ):
        with pytest.raises(BadCursor):
            await read_slice(heap, STATEMENT, order, cursor=bad, size=5)


@ONLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"[false]",
        b'[false, "a"]',
        b'[false, 1, "00000000-0000-0000-0000-000000000001"]',
        b'[false, "a", "1"]',
        b'[0, "a", "00000000-0000-0000-0000-000000000001"]',
        b'[false, "a\\u0000", "00000000-0000-0000-0000-000000000001"]',
        b'[false, {"a": 1}, "00000000-0000-0000-0000-000000000001"]',
        b"\xff",
    ],
)
async def test_a_forged_cursor_holds_values_of_the_right_types_or_is_refused(heap: AsyncSession, body: bytes) -> None:
    order = order_of("name")

    with pytest.raises(BadCursor):
        await read_slice(heap, STATEMENT, order, cursor=forge(order, body), size=5)


@ONLY_SQLITE
async def test_a_cursor_shows_nothing_of_the_statement(heap: AsyncSession) -> None:
    part = await read_slice(heap, STATEMENT, order_of("-id"), cursor="", size=5)

    raw = base64.urlsafe_b64decode((part.next_cursor or "") + "==")
    assert raw[6:] == f'[false,"{UUID(int=ROWS - 4)}"]'.encode()


async def test_each_part_is_read_by_ranges(heap: AsyncSession) -> None:
    """Not by conditions joined with OR, which an index cannot answer in order."""
    seen: list[str] = []
    engine = heap.get_bind().engine
    order = order_of("number")
    cursor = (await read_slice(heap, STATEMENT, order, cursor="", size=5)).next_cursor or ""
    sa.event.listen(engine, "before_cursor_execute", lambda _connection, _cursor, sql, *_: seen.append(sql))

    await read_slice(heap, STATEMENT, order, cursor=cursor, size=ROWS)

    assert len(seen) == 3
    assert not any(" OR " in sql for sql in seen)
