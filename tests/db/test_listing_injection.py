"""Whatever a caller writes stays a value: SQL, patterns, JSON paths, quotes."""

from contextlib import suppress
from itertools import product
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.field_kind import like_pattern
from stationmaster.db.listing import compile_filter, compile_sort
from stationmaster.errors import Invalid
from stationmaster.kit.field_name import quote
from stationmaster.kit.filters import Operator, parse_filter
from stationmaster.kit.scanner import Unreadable
from stationmaster.kit.sorting import parse_sort
from tests.db.conftest import Thing
from tests.db.test_listing import EVERY, THINGS, c, find_by, order_by
from tests.kit.test_filters import STORABLE

HOSTILE = [
    "' OR '1'='1",
    "'; DROP TABLE things; --",
    '" OR ""="',
    "1) OR (1=1",
    "x' UNION SELECT email FROM keepers --",
    "$.place",
    "$[0]",
    "\"}' --",
    "\\' OR 1=1 --",
    ":name",
    "%(name)s",
    "$1",
    "?",
    "{}",
    "/* */",
    "a\nb",
    "\u202e\U0001f980",
    "_" * 50,
    "\\",
    "NaN",
    "-0",
]
COMPUTED = [found.name for found in THINGS.fields if found.label not in {"name", "story", "keeper", "facts.key"}]


@pytest.fixture
async def hostile_session(shed: Database, shed_session: AsyncSession) -> AsyncSession:
    """Add a row for each hostile text, as its name, as a key and as a value."""
    empty = dict.fromkeys(column.key for column in sa.inspect(Thing).columns)
    rows = [
        {**empty, "id": UUID(int=100 + number), "name": text, "facts": {text: "key", "value": text}}
        for number, text in enumerate(HOSTILE)
    ]
    async with shed.writer.begin() as connection:
        await connection.execute(sa.insert(Thing), rows)
    return shed_session


async def test_a_hostile_text_is_found_and_nothing_else(hostile_session: AsyncSession) -> None:
    for number, text in enumerate(HOSTILE, start=100):
        assert await find_by(hostile_session, f"name = {quote(text)}") == {number}
        assert await find_by(hostile_session, f"facts.value = {quote(text)}") == {number}
        assert await find_by(hostile_session, f"facts.{quote(text)} = key") == {number}
        assert await find_by(hostile_session, f"name != {quote(text)}, id != {UUID(int=number)}") >= EVERY


async def test_a_hostile_pattern_matches_only_itself(hostile_session: AsyncSession) -> None:
    for number, text in enumerate(HOSTILE, start=100):
        if "%" not in text:
            assert await find_by(hostile_session, f"name like {quote(text)}") == {number}
            assert await find_by(hostile_session, f"facts.value like {quote(text)}") == {number}


async def test_a_hostile_key_can_be_sorted_by(hostile_session: AsyncSession) -> None:
    for number, text in enumerate(HOSTILE, start=100):
        assert (await order_by(hostile_session, f"facts.{quote(text)}"))[0] == number


async def test_the_owner_s_address_is_a_value_too(hostile_session: AsyncSession) -> None:
    for text in HOSTILE:
        assert await find_by(hostile_session, f"keeper = {quote(text)}") == set()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", COMPUTED)
def test_typed_fields_take_no_other_text(name: str, text: str) -> None:
    wanted = parse_filter(f"{name} = {quote(text)}")

    if (name, text) not in {("number", "-0"), ("weight", "-0")}:
        with pytest.raises(Invalid):
            compile_filter(THINGS, wanted, parameter="filter", is_admin=True)


@pytest.mark.parametrize(
    "text", ["name; DROP TABLE things", "name--", "(SELECT 1)", "name, 1", "name/**/", "things.name", "1"]
)
def test_an_order_is_made_of_declared_names_only(text: str) -> None:
    with pytest.raises((Unreadable, Invalid)):
        compile_sort(THINGS, parse_sort(text), parameter="sort", is_admin=True)


def test_no_text_of_the_caller_stands_in_the_statement() -> None:
    marker = "zq7"
    filters = [f"{found.name} = {marker}" for found in THINGS.fields if found.name in {"name", "story", "keeper"}]
    filters += [
        f"name like {marker}%",
        f"facts.{marker} = {marker}",
        f"facts.{marker} > 7",
        f"facts.{marker} like {marker}",
    ]
    conditions = compile_filter(THINGS, parse_filter(", ".join(filters)), parameter="filter", is_admin=True)
    order = compile_sort(THINGS, parse_sort(f"facts.{marker}"), parameter="sort", is_admin=True)

    statement = order.apply(sa.select(c.id).where(*conditions))

    for url in ("sqlite://", "postgresql+asyncpg://"):
        dialect = sa.make_url(url).get_dialect()()
        assert marker not in str(statement.compile(dialect=dialect))


EXTREMES = [
    "0", "-9223372036854775808", "9223372036854775807", "1e308", "-1e-308", "0.1", "1" * 19, "0" * 400, "true", "false",
    "red", "0001-01-01", "9999-12-30", "0001-01-01T00:00:00Z", "2026-02-29", "2024-02-29", "2026-11-21T23:59:59.999+14:00",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "%", "%%%%%%%%%%b", "x" * 3000,
    "\U0001f980", "null",
]  # fmt: skip


async def test_every_value_that_is_taken_can_be_asked_for(shed_session: AsyncSession) -> None:
    taken = 0
    for name in (found.label for found in (THINGS.key, *THINGS.fields)):
        for operator, value in product(Operator, EXTREMES):
            try:
                await find_by(shed_session, f"{name} {operator} {value}")
            except Invalid:
                continue
            taken += 1

    assert taken > 500


@given(st.lists(st.sampled_from([found.label for found in (THINGS.key, *THINGS.fields)]), max_size=3), st.data())
def test_any_filter_is_compiled_or_refused(names: list[str], data: st.DataObject) -> None:
    terms = [f"{name} {data.draw(st.sampled_from(Operator))} {quote(data.draw(STORABLE))}" for name in names]

    with suppress(Invalid):
        conditions = compile_filter(THINGS, parse_filter(", ".join(terms)), parameter="filter", is_admin=True)
        assert len(conditions) == len(names)


def test_only_the_percent_sign_is_special_in_patterns() -> None:
    assert like_pattern("50%_\\") == "50%\\_\\\\"
