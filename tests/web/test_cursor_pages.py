"""Cursors over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from stationmaster.db.engine import Database
from tests.support.databases import ONLY_SQLITE
from tests.web.building import client_of
from tests.web.shelf import Base, Book, described, make_shelf_app

ROWS = 23


@pytest.fixture
async def client(shelf: Database) -> AsyncIterator[httpx.AsyncClient]:
    rows: list[dict[str, Any]] = [
        {"id": number, "title": f"book {number}", "year": number % 3 or None, "reader": None, "facts": {}}
        for number in range(ROWS)
    ]
    async with shelf.writer.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(sa.insert(Book), rows)
    async with client_of(make_shelf_app(shelf)) as opened:
        yield opened


def links(answer: httpx.Response) -> dict[str, str]:
    return {relation: link["url"] for relation, link in answer.links.items() if relation}


async def test_an_empty_cursor_begins(client: httpx.AsyncClient) -> None:
    answer = await client.get("/books?cursor=&size=5&sort=id")

    page = answer.json()
    assert page.keys() == {"items", "next_cursor", "previous_cursor"}
    assert [item["id"] for item in page["items"]] == [0, 1, 2, 3, 4]
    assert page["previous_cursor"] is None
    assert "x-total-count" not in answer.headers


async def test_following_next_then_prev_visits_everything_twice(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    answer = await client.get("/books?cursor=&size=5")
    for relation in ("next", "prev"):
        part = [item["id"] for item in answer.json()["items"]]
        seen += part
        while relation in links(answer):
            answer = await client.get(links(answer)[relation])
            seen += [item["id"] for item in answer.json()["items"]]

    assert sorted(seen) == sorted([*range(ROWS), *range(ROWS)])


async def test_links_keep_all_parameters(client: httpx.AsyncClient) -> None:
    answer = await client.get("/books?exclude=title&size=5&cursor=&meta_filter=a:1&meta_filter=b:2&filter=id+%3E+0")

    assert links(answer) == {
        "first": "http://testserver/books?exclude=title&size=5&meta_filter=a%3A1&meta_filter=b%3A2&filter=id+%3E+0&cursor="
    }


async def test_a_cursor_goes_on_within_another_filter(client: httpx.AsyncClient) -> None:
    first = (await client.get("/books?cursor=&size=5&sort=id")).json()

    answer = await client.get(
        "/books", params={"cursor": first["next_cursor"], "size": 3, "sort": "id", "filter": "id > 9"}
    )

    assert [item["id"] for item in answer.json()["items"]] == [10, 11, 12]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "A" * 4000])
async def test_what_is_no_cursor_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get(f"/books?cursor={cursor}")

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"detail": "is no cursor of this list in this order; begin again with an empty one", "parameter": "cursor"}
    ]


@ONLY_SQLITE
async def test_a_cursor_belongs_to_its_order(client: httpx.AsyncClient) -> None:
    cursor = (await client.get("/books?cursor=&size=5&sort=id")).json()["next_cursor"]

    answers = [
        (await client.get(f"/books?cursor={cursor}&sort={sort}")).status_code for sort in ("id", "-id", "year", "")
    ]

    assert answers == [200, 422, 422, 422]


@ONLY_SQLITE
@pytest.mark.parametrize("other", ["page", "count"])
async def test_a_cursor_stands_alone(client: httpx.AsyncClient, other: str) -> None:
    answer = await client.get(f"/books?cursor=&{other}={'2' if other == 'page' else 'exact'}")

    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [other]


@ONLY_SQLITE
async def test_the_defaults_may_stand_beside_a_cursor(client: httpx.AsyncClient) -> None:
    """Generated clients send them always."""
    answer = await client.get("/books?cursor=&page=1&count=capped")

    assert "next_cursor" in answer.json()


@ONLY_SQLITE
async def test_pages_of_such_a_list_are_as_ever(client: httpx.AsyncClient) -> None:
    page = (await client.get("/books?page=2&size=10&sort=-id")).json()

    assert [item["id"] for item in page["items"]] == list(range(12, 2, -1))
    assert (page["total"], page["pages"], page["total_capped"]) == (ROWS, 3, False)


@ONLY_SQLITE
async def test_both_answers_are_documented(shelf: Database) -> None:
    answer = described(make_shelf_app(shelf))["paths"]["/books"]["get"]["responses"]["200"]

    names = [choice["$ref"].rpartition("/")[2] for choice in answer["content"]["application/json"]["schema"]["anyOf"]]
    assert names == ["LargePageBookItem", "CursorPageBookItem"]
    assert {"Link", "X-Total-Count"} <= answer["headers"].keys()
    assert answer["content"]["application/json"]["example"]["items"][0]["title"] == "Emma"
