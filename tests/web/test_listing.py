"""The parameters of a list: what they do, what they refuse, and how they are documented."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from stationmaster.db.engine import Database
from tests.web.building import client_of
from tests.web.shelf import Base, Book, described, make_shelf_app

BOOKS = [
    {"id": 1, "title": "Emma", "year": 1815, "reader": "ada", "facts": {"shelf": "north", "copies": 2}},
    {"id": 2, "title": "Persuasion", "year": 1817, "reader": None, "facts": {"shelf": "south"}},
    {"id": 3, "title": "Lady Susan, etc.", "year": None, "reader": "bob", "facts": {"shelf": "north", "copies": 10}},
]


@pytest.fixture
async def client(shelf: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with shelf.writer.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(sa.insert(Book), BOOKS)
    async with client_of(make_shelf_app(shelf)) as opened:
        yield opened


async def items(client: httpx.AsyncClient, **parameters: Any) -> list[dict[str, Any]]:
    answer = await client.get("/books", params=parameters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def ids(client: httpx.AsyncClient, **parameters: Any) -> list[int]:
    return [item["id"] for item in await items(client, **parameters)]


async def refusal(client: httpx.AsyncClient, **parameters: Any) -> tuple[str, str]:
    """Return the parameter that is refused, and why."""
    answer = await client.get("/books", params=parameters)
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    return error["parameter"], error["detail"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [3, 2, 1]),
        ({"filter": "", "sort": "", "include": "", "exclude": ""}, [3, 2, 1]),
        ({"filter": "year > 1815"}, [2]),
        ({"filter": "title like %a%, year != null"}, [2, 1]),
        ({"filter": 'title = "Lady Susan, etc."'}, [3]),
        ({"filter": "(year = 1815 OR year = null)"}, [3, 1]),
        ({"filter": "meta.shelf = north", "sort": "meta.copies"}, [1, 3]),
        ({"sort": "title"}, [1, 3, 2]),
        ({"sort": "-title"}, [2, 3, 1]),
        ({"sort": "facts.shelf desc, year"}, [2, 1, 3]),
        ({"meta_filter": "shelf:north"}, [3, 1]),
        ({"meta_filter": ["shelf:north", "shelf:south", "copies:2"]}, [1]),
        ({"meta_filter": "shelf:north", "filter": "year = null"}, [3]),
    ],
)
async def test_a_list_is_narrowed_and_sorted(
    client: httpx.AsyncClient, parameters: dict[str, Any], expected: list[int]
) -> None:
    assert await ids(client, **parameters) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"id", "title", "year"}),
        ({"include": "pages"}, {"id", "title", "year", "pages"}),
        ({"include": "title"}, {"id", "title", "year"}),
        ({"exclude": "year, id"}, {"title"}),
        ({"include": "pages", "exclude": "pages,title"}, {"id", "year"}),
        ({"exclude": "pages"}, {"id", "title", "year"}),
        ({"exclude": "id,title,year"}, set()),
        ({"include": "reader", "is_admin": True}, {"id", "title", "year", "reader"}),
    ],
)
@pytest.mark.parametrize("paging", [{}, {"cursor": ""}])
async def test_fields_are_added_then_left_out(
    client: httpx.AsyncClient, parameters: dict[str, Any], expected: set[str], paging: dict[str, str]
) -> None:
    assert [item.keys() for item in await items(client, **parameters, **paging)] == [expected] * 3


async def test_a_field_that_is_asked_for_may_be_null(client: httpx.AsyncClient) -> None:
    found = await items(client, include="reader", exclude="title", filter="id = 2", is_admin=True)

    assert found == [{"id": 2, "year": 1817, "reader": None}]


@pytest.mark.parametrize(
    ("parameters", "parameter", "expected"),
    [
        ({"filter": "yaer = 1"}, "filter", "there is no field yaer here; there are id, title, year, reader, facts.key"),
        ({"filter": "year ~ 1"}, "filter", "at character 6: an operator is expected after year"),
        ({"filter": "year = soon"}, "filter", "year is compared with a whole number of 64 bits, not with 'soon'"),
        ({"filter": "id like 1%"}, "filter", "id does not take like; it takes = != > < >= <="),
        ({"filter": "x" * 4001}, "filter", "4000 characters"),
        ({"sort": "yaer"}, "sort", "there is no field yaer here; there are id, title, year, reader, facts.key"),
        ({"sort": "year up"}, "sort", "at character 6: asc, desc"),
        ({"include": "script"}, "include", "there is no field script here; there are id, pages, reader, title, year"),
        ({"exclude": "script"}, "exclude", "there is no field script here; there are id, pages, reader, title, year"),
        ({"include": "a b"}, "include", "at character 3: a comma is expected"),
        ({"meta_filter": "shelf"}, "meta_filter", "write field:value"),
        ({"filters": "year = 1"}, "filters", "no such query parameter"),
        ({"filter": ["year = 1815", "id = 2"]}, "filter", "more than once"),
        ({"sort": ["year", ""]}, "sort", "more than once"),
    ],
)
async def test_what_is_not_there_is_refused_by_name(
    client: httpx.AsyncClient, parameters: dict[str, Any], parameter: str, expected: str
) -> None:
    found, detail = await refusal(client, **parameters)

    assert found == parameter
    assert expected in detail


@pytest.mark.parametrize(
    "parameters",
    [{"filter": "reader = ada"}, {"sort": "reader"}, {"include": "reader"}, {"filter": "(year = 1 OR reader like a%)"}],
)
async def test_restricted_fields_are_for_administrators(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    answer = await client.get("/books", params=parameters)

    assert (answer.status_code, answer.json()["detail"]) == (403, "The field reader is for administrators.")
    assert (await client.get("/books", params=parameters | {"is_admin": "true"})).status_code == 200


async def test_a_restricted_field_may_be_left_out_by_anybody(client: httpx.AsyncClient) -> None:
    assert await ids(client, exclude="reader") == [3, 2, 1]


async def test_the_documentation_lists_what_may_be_asked(shelf: Database) -> None:
    operation = described(make_shelf_app(shelf))["paths"]["/books"]["get"]

    about = {parameter["name"]: parameter.get("description", "") for parameter in operation["parameters"]}
    assert "`title` (= != > < >= <= like; text)" in about["filter"]
    assert "`reader` (administrators) (" in about["filter"]
    assert "`facts.key` (= != > < >= <= like; text, number or boolean)" in about["filter"]
    assert "`-year` by default" in about["sort"]
    assert "Fields: `id`, `title`, `year`, `reader` (administrators), `facts.key`." in about["sort"]
    assert about["include"] == "Fields to add, comma-separated: `pages`, `reader` (administrators)."
    assert "object `facts`" in about["meta_filter"]
    assert {"exclude", "cursor", "page", "size", "count"} <= about.keys()


async def test_the_documentation_says_that_no_field_must_be_there(shelf: Database) -> None:
    schemas = described(make_shelf_app(shelf))["components"]["schemas"]

    assert schemas["BookItem"]["properties"].keys() == {"id", "title", "year", "pages", "reader"}
    assert "required" not in schemas["BookItem"]
    assert schemas["LargePageBookItem"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/BookItem"}
