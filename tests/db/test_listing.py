"""Filters in the database: what each field and operator finds, the same on both, and nothing but what was declared."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.listing import Document, Resource, Through, compile_filter, compile_sort, field
from stationmaster.errors import Forbidden, Invalid
from stationmaster.kit.filters import parse_filter, parse_member_filter
from stationmaster.kit.sorting import parse_sort
from tests.db.conftest import ROWS, Keeper, Thing, keeper_id, thing_id

c: Any = Thing.__table__.c
THINGS = Resource(
    "things",
    key=field("id", c.id),
    fields=(
        field("colour", c.colour),
        field("is_new", c.is_new),
        field("is_dated", c.made_at.is_not(None)),
        field("made_at", c.made_at),
        field("name", c.name),
        field("story", c.story),
        field("number", c.number),
        field("weight", c.weight),
        field(
            "keeper", Keeper.__table__.c.email, through=Through(c.keeper_id, Keeper.__table__.c.id), is_restricted=True
        ),
        Document("facts", c.facts, alias="meta"),
    ),
)
EVERY = set(range(1, len(ROWS) + 1))


async def find(session: AsyncSession, *conditions: sa.ColumnElement[bool]) -> set[int]:
    return {id_.int for id_ in await session.scalars(sa.select(c.id).where(*conditions))}


async def find_by(session: AsyncSession, text: str) -> set[int]:
    return await find(session, *compile_filter(THINGS, parse_filter(text), parameter="filter", is_admin=True))


async def order_by(session: AsyncSession, text: str) -> list[int]:
    order = compile_sort(THINGS, parse_sort(text), parameter="sort", is_admin=True)
    return [id_.int for id_ in await session.scalars(order.apply(sa.select(c.id)))]


def refusals(text: str) -> list[str]:
    with pytest.raises(Invalid) as refused:
        compile_filter(THINGS, parse_filter(text), parameter="filter", is_admin=True)
    assert {error.parameter for error in refused.value.errors} == {"filter"}
    return [error.detail for error in refused.value.errors]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EVERY),
        (f"id = {thing_id(2)}", {2}),
        (f"id = {thing_id(2).hex.upper()}", {2}),
        ("colour = red", {1, 3}),
        ("is_new = TRUE", {1}),
        ("is_new = false", {2}),
        ("is_dated = true", {1, 2, 3}),
        ("is_dated = false", {4, 5}),
        ("made_at = 2026-11-21", {1, 2}),
        ("made_at > 2026-11-21", {3}),
        ("made_at >= 2026-11-21", {1, 2, 3}),
        ("made_at <= 2026-11-21", {1, 2}),
        ("made_at < 2026-11-21", set()),
        ("made_at = 2026-11-21T12:00:00.123Z", {2}),
        ("made_at = 2026-11-21T13:00:00.123+01:00", {2}),
        ("made_at > 2026-11-21T12:00:00.123", {3}),
        ("made_at <= 2026-11-21T12:00:00.123", {1, 2}),
        ("made_at < 2026-11-21T12:00:00.123", {1}),
        ("name = Anchor", {1}),
        ("name = anchor", set()),
        ("name like anchor%", {1, 2}),
        ("name like ANCHOR", {1}),
        ("name like %n%r%", {1, 2}),
        ("name like 100%", {3, 4}),
        ("name like %of_it%", {3}),
        ("name like %\\all", {3}),
        ("name like %\\%", {3}),
        ("name > b", set()),
        ('story = "lost, then found"', {1}),
        ("story like '%, then%'", {1}),
        ("number = 1", {1}),
        ("number > 1", {2}),
        ("number <= +1", {1, 3}),
        ("number < 9223372036854775807", {1, 2, 3}),
        ("number = -9223372036854775808", set()),
        ("weight >= 0.5", {1, 3}),
        ("weight = 1e300", {3}),
        ("weight < -2", {2}),
        ("keeper = ada@example.com", {1}),
        ("keeper like %@EXAMPLE.com", {1, 2}),
        ("colour = red, name like a%", {1}),
        ("(colour = green OR name like 100%)", {2, 3, 4}),
        ("(colour = green OR name like 100%), number != null", {2, 3}),
    ],
)
async def test_a_comparison_finds(shed_session: AsyncSession, text: str, expected: set[int]) -> None:
    assert await find_by(shed_session, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("facts.place = north", {1}),
        ("meta.place = north", {1}),
        ("facts.place = 5", {2}),
        ("facts.size = 5", {1}),
        ("facts.size = 5.0", {1}),
        ("facts.size = '5'", set()),
        ("facts.size = 9.5", {3}),
        ("facts.size > 9", {2, 3}),
        ("facts.size <= 9.5", {1, 3}),
        ("facts.size > '9'", {3}),
        ("facts.size like 9%", {3}),
        ("facts.place like %SIDE%", {3}),
        ("facts.place > north", {3}),
        ("facts.ok = true", {1, 2}),
        ("facts.ok = 'true'", {2}),
        ("facts.ok like tr%", {1, 2}),
        ("facts.list = north", set()),
        ("facts.list like %north%", set()),
        ("facts.inner = north", set()),
        ("facts.missing = null", EVERY),
        ("facts.nothing = null", EVERY),
        ("facts.nothing = 'null'", set()),
        ("facts.list = null", {1, 2, 4, 5}),
        ("facts.list != null", {3}),
        ("facts.place != north", {2, 3, 4, 5}),
        ('facts."a b" = x', {1}),
        ("""facts.'q"uote' = q""", {1}),
        ("facts.é = ü", {1}),
        ('facts."%" = x', set()),
        ("facts.place = '; DROP TABLE things; --'", set()),
    ],
)
async def test_members_are_compared_by_what_they_are(shed_session: AsyncSession, text: str, expected: set[int]) -> None:
    assert await find_by(shed_session, text) == expected


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (["place:north"], {1}),
        (["place:north", "place:5"], {1, 2}),
        (["place:south, side: 2"], {3}),
        (["place:north", "place:5", "size:10"], {2}),
        (["size:5"], {1}),
        (["ok:true"], {1, 2}),
        (["nothing:null"], set()),
        (['q"uote:q'], {1}),
    ],
)
async def test_pairs_about_members(shed_session: AsyncSession, pairs: list[str], expected: set[int]) -> None:
    conditions = compile_filter(THINGS, parse_member_filter(pairs, "facts"), parameter="meta_filter", is_admin=False)

    assert await find(shed_session, *conditions) == expected


@pytest.mark.parametrize(
    "comparison",
    [
        f"id|{thing_id(2)}",
        "colour|red",
        "is_new|true",
        "is_dated|true",
        "made_at|2026-11-21",
        "name|Anchor",
        "number|1",
        "weight|0.5",
        "keeper|ada@example.com",
        "keeper|null",
        "facts.place|north",
        "facts.list|null",
        "made_at|null",
        "colour|null",
    ],
)
async def test_unequal_is_all_that_equal_is_not(shed_session: AsyncSession, comparison: str) -> None:
    equal = await find_by(shed_session, comparison.replace("|", "="))
    unequal = await find_by(shed_session, comparison.replace("|", "!="))

    assert equal
    assert unequal == EVERY - equal


async def test_who_is_gone_has_no_address(shed_session: AsyncSession) -> None:
    assert await find_by(shed_session, "keeper = null") == {3, 4, 5}
    assert await find(shed_session, c.keeper_id == keeper_id(3)) == {3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nme = 1", "there is no field nme here; there are id, colour, is_new"),
        ("keeper_id = 1", "there is no field keeper_id here"),
        ("colour like re%", "colour does not take like; it takes = !="),
        ("id > x", "id does not take >; it takes = !="),
        ("number like 1%", "number does not take like; it takes = != > < >= <="),
        ("number > null", "number > null says nothing; null takes = !="),
        ("colour = blue", "colour is compared with one of red, green, not with 'blue'"),
        ("colour = RED", "one of red, green"),
        ("id = 1", "a UUID"),
        ("id = {00000000-0000-0000-0000-000000000001}", "a UUID"),
        ("is_new = 1", "true or false"),
        ("made_at = yesterday", "an instant or a date"),
        ("made_at = 9999-12-31", "an instant or a date"),
        ("made_at = 1700000000", "an instant or a date"),
        ("number = 9223372036854775808", "a whole number of 64 bits"),
        ("number = 1.5", "a whole number of 64 bits"),
        ("number = 1_0", "a whole number of 64 bits"),
        ("number = ٣", "a whole number of 64 bits"),
        ("number = ''", "a whole number of 64 bits"),
        ("weight = nan", "a number"),
        ("weight = 1e999", "a number"),
        ("weight = 0x1", "a number"),
        ("facts = 1", "say which member of facts is meant: facts.key"),
        ("name.first = x", "name has no members"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(text: str, expected: str) -> None:
    [detail] = refusals(text)

    assert expected in detail


def test_all_that_is_wrong_is_named_at_once() -> None:
    assert len(refusals("nme = 1, colour = red, (colour = blue OR number = x)")) == 3


@pytest.mark.parametrize("text", ["keeper = x", "(name = a OR keeper != null)", "keeper like %"])
def test_restricted_fields_are_for_administrators(text: str) -> None:
    with pytest.raises(Forbidden, match="keeper is for administrators"):
        compile_filter(THINGS, parse_filter(text), parameter="filter", is_admin=False)
    with pytest.raises(Forbidden, match="keeper is for administrators"):
        compile_sort(THINGS, parse_sort("name, -keeper"), parameter="sort", is_admin=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("-id", [5, 4, 3, 2, 1]),
        ("number", [3, 1, 2, 4, 5]),
        ("-number", [5, 4, 2, 1, 3]),
        ("number, -id", [3, 1, 2, 5, 4]),
        ("colour, -number", [2, 1, 3, 5, 4]),
        ("is_new", [2, 1, 3, 4, 5]),
        ("-made_at", [5, 4, 3, 2, 1]),
        ("-weight", [5, 4, 3, 1, 2]),
        ("keeper", [1, 2, 3, 4, 5]),
        ("-keeper", [5, 4, 3, 2, 1]),
        ("facts.size", [1, 3, 2, 4, 5]),
        ("-meta.size", [5, 4, 2, 3, 1]),
        ("facts.ok", [1, 2, 3, 4, 5]),
        ("facts.list", [1, 2, 3, 4, 5]),
    ],
)
async def test_an_order_is_total_and_nothing_counts_as_most(
    shed_session: AsyncSession, text: str, expected: list[int]
) -> None:
    assert await order_by(shed_session, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nme", "there is no field nme here"),
        ("story", "story is too long to sort by; there are id, colour, is_new, is_dated, made_at, name, number"),
        ("facts", "say which member"),
        ("name.x", "name has no members"),
    ],
)
def test_what_cannot_be_sorted_by_is_refused(text: str, expected: str) -> None:
    with pytest.raises(Invalid) as refused:
        compile_sort(THINGS, parse_sort(text), parameter="sort", is_admin=True)

    [error] = refused.value.errors
    assert expected in error.detail
    assert error.parameter == "sort"


def test_only_kinds_that_lists_compare_are_declared() -> None:
    with pytest.raises(TypeError, match="lists do not compare that"):
        field("facts", c.facts)
