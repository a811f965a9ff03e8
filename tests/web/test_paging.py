"""Lists, their counts and their links."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.web.paging import LargePage, LargePageParams, LargePageParamsDep, Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep
from tests.support.databases import ONLY_SQLITE
from tests.web.building import client_of, make_app

ROWS = 23


class Thing(BaseModel):
    id: int
    name: str


@pytest.fixture
def app(shelf: Database, table: sa.Table) -> FastAPI:
    app = make_app()
    app.state.database = shelf
    by_id = sa.select(table).order_by(table.c.id)

    @app.get("/things")
    async def list_things(
        *,
        session: ReadSessionDep,
        params: PageParamsDep,
        request: Request,
        response: Response,
        tag: Annotated[list[str] | None, Query()] = None,
        size_over: int = -1,
    ) -> Page[Thing]:
        statement = by_id.where(table.c.size > size_over)
        page: Page[Thing] = await paginate(session, statement, params, request=request, response=response)
        return page

    @app.get("/large")
    async def list_large(
        session: ReadSessionDep, params: LargePageParamsDep, request: Request, response: Response
    ) -> LargePage[Thing]:
        page: LargePage[Thing] = await paginate(
            session, by_id, params, request=request, response=response, total_cap=10
        )
        return page

    return app


@pytest.fixture
async def client(app: FastAPI, shelf: Database, table: sa.Table) -> AsyncIterator[httpx.AsyncClient]:
    rows = [{"id": number, "name": f"thing {number}", "size": number} for number in range(ROWS)]
    async with shelf.writer.begin() as connection:
        await connection.execute(table.insert(), rows)
    async with client_of(app) as opened:
        yield opened


def relations(answer: httpx.Response) -> dict[str, str]:
    return {relation: link["url"] for relation, link in answer.links.items() if relation}


async def test_a_list_has_fifty_items_a_page(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/things")).json()

    assert len(answer.pop("items")) == ROWS
    assert answer == {"total": 23, "page": 1, "size": 50, "pages": 1}


async def test_a_page_has_its_items_in_order(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/things?page=3&size=10")).json()

    assert [item["id"] for item in answer["items"]] == [20, 21, 22]
    assert (answer["total"], answer["page"], answer["size"], answer["pages"]) == (23, 3, 10, 3)


async def test_the_count_follows_the_filter(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/things?size_over=20")).json()

    assert ([item["id"] for item in answer["items"]], answer["total"]) == ([21, 22], 2)


async def test_the_headers_repeat_the_counts(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/things?page=2&size=10")).headers

    names = ("x-total-count", "x-page", "x-page-size", "x-total-pages")
    assert [headers[name] for name in names] == ["23", "2", "10", "3"]


async def test_links_keep_all_parameters(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things?tag=a%26b&size=10&page=2&tag=&tag=%C3%A9")

    others = "http://testserver/things?tag=a%26b&size=10&tag=&tag=%C3%A9"
    assert relations(answer) == {
        "first": f"{others}&page=1",
        "prev": f"{others}&page=1",
        "next": f"{others}&page=3",
        "last": f"{others}&page=3",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("size=10", {"first", "next", "last"}),
        ("size=10&page=3", {"first", "prev", "last"}),
        ("size=100", {"first", "last"}),
        ("size_over=99", {"first", "last"}),
    ],
)
async def test_only_pages_that_exist_are_linked(client: httpx.AsyncClient, query: str, expected: set[str]) -> None:
    assert relations(await client.get(f"/things?{query}")).keys() == expected


async def test_following_next_visits_everything_once(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    url: str | None = "/things?size=10"
    while url:
        answer = await client.get(url)
        seen += [item["id"] for item in answer.json()["items"]]
        url = relations(answer).get("next")

    assert seen == list(range(ROWS))


async def test_a_page_past_the_end_is_empty_and_leads_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things?page=1000000&size=100")

    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert relations(answer)["prev"] == "http://testserver/things?size=100&page=1"


async def test_an_empty_list_has_no_pages(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/things?size_over=99")).json()

    assert answer == {"items": [], "total": 0, "page": 1, "size": 50, "pages": 0}


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=1000001", "page=9223372036854775807", "page=1e3", "page=", "size=0", "size=101"],
)
async def test_impossible_pages_are_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/things?{query}")

    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [query.partition("=")[0]]


async def test_a_large_list_stops_counting_at_the_cap(client: httpx.AsyncClient) -> None:
    answer = await client.get("/large?size=5&page=2")

    page = answer.json()
    assert ([item["id"] for item in page["items"]], page["total"], page["total_capped"]) == ([5, 6, 7, 8, 9], 10, True)
    assert relations(answer).keys() == {"first", "prev", "next"}


async def test_a_large_list_can_be_walked_past_the_cap(client: httpx.AsyncClient) -> None:
    beyond, last = await client.get("/large?size=10&page=2"), await client.get("/large?size=10&page=3")

    assert [item["id"] for item in beyond.json()["items"]] == list(range(10, 20))
    assert relations(beyond).keys() == {"first", "prev", "next"}
    assert relations(last) == {
        "first": "http://testserver/large?size=10&page=1",
        "prev": "http://testserver/large?size=10&page=2",
    }


async def test_a_large_list_is_counted_exactly_when_asked(client: httpx.AsyncClient) -> None:
    answer = await client.get("/large?size=10&count=exact")

    assert (answer.json()["total"], answer.json()["total_capped"]) == (23, False)
    assert relations(answer)["last"] == "http://testserver/large?size=10&count=exact&page=3"


async def test_as_many_as_the_cap_is_not_capped(client: httpx.AsyncClient, shelf: Database, table: sa.Table) -> None:
    async with shelf.writer.begin() as connection:
        await connection.execute(table.delete().where(table.c.id >= 10))

    page = (await client.get("/large")).json()

    assert (page["total"], page["total_capped"]) == (10, False)


@pytest.mark.parametrize(("url", "status"), [("/things?count=exact", 422), ("/large?count=some", 422)])
async def test_only_large_lists_are_asked_how_to_count(client: httpx.AsyncClient, url: str, status: int) -> None:
    assert (await client.get(url)).status_code == status


@ONLY_SQLITE
async def test_rows_can_be_turned_into_items(app: FastAPI, client: httpx.AsyncClient, table: sa.Table) -> None:
    async def shout(rows: Sequence[Any]) -> list[Thing]:
        return [Thing(id=row.id, name=row.name.upper()) for row in rows]

    @app.get("/loud")
    async def list_loud(
        session: ReadSessionDep, params: PageParamsDep, request: Request, response: Response
    ) -> Page[Thing]:
        statement = sa.select(table).order_by(table.c.id)
        page: Page[Thing] = await paginate(
            session, statement, params, request=request, response=response, transform=shout
        )
        return page

    assert (await client.get("/loud?size=1")).json()["items"] == [{"id": 0, "name": "THING 0"}]


async def test_the_capped_count_stops_reading(shelf_session: AsyncSession, table: sa.Table) -> None:
    statement = sa.select(table).where(table.c.size > 0).order_by(table.c.id)
    request = Request({"type": "http", "path": "/", "query_string": b"", "headers": [], "server": ("a", 80)})
    seen: list[str] = []
    sa.event.listen(
        shelf_session.bind.sync_engine,  # type: ignore[union-attr]  # an engine in this fixture
        "before_cursor_execute",
        lambda _connection, _cursor, sql, *_: seen.append(sql),
    )

    await paginate(shelf_session, statement, LargePageParams(), request=request, response=Response())

    assert [sql for sql in seen if "count(*)" in sql and "LIMIT" in sql and "ORDER BY" not in sql]
