"""Tags: what they cover, and what is demanded by them."""

import asyncio
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, RootModel

from stationmaster.db.engine import Database
from stationmaster.web import etag
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page
from stationmaster.web.schema import Input, Output
from stationmaster.web.session import ReadSessionDep, SessionDep
from tests.web.building import client_of, make_app

ROW = {"id": 1, "name": "lamp", "size": 1}


class PartOut(Output):
    volatile: ClassVar[frozenset[str]] = frozenset({"wear"})

    wear: int


class ThingOut(Output):
    """`size` changes by itself, `name` does not."""

    volatile: ClassVar[frozenset[str]] = frozenset({"size", "updated_at"})

    name: str
    size: int
    parts: list[PartOut] = [PartOut(wear=1)]
    document: dict[str, Any] = {"updated_at": "the user's own", "size": 1}
    at: datetime = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class ThingIn(Input):
    name: str


def make_things_app(shelf: Database, table: sa.Table) -> FastAPI:
    app, router = make_app(), APIRouter(prefix="/things", route_class=Operation)
    app.state.database = shelf

    async def show(session: Any, *, lock: bool) -> ThingOut:
        statement = sa.select(table).where(table.c.id == 1)
        row = (await session.execute(statement.with_for_update() if lock else statement)).one()
        return ThingOut(name=row.name, size=row.size)

    @router.get("/1")
    async def get_thing(session: ReadSessionDep) -> ThingOut:
        return await show(session, lock=False)

    @router.patch("/1")
    async def update_thing(body: ThingIn, session: SessionDep, if_match: IfMatchDep) -> ThingOut:
        await if_match.check(lambda: show(session, lock=True))
        await session.execute(sa.update(table).values(name=body.name))
        return await show(session, lock=False)

    @router.post("", status_code=201)
    async def create_thing(session: ReadSessionDep) -> ThingOut:
        return await show(session, lock=False)

    @router.delete("/1/name")
    async def delete_name() -> None: ...

    @router.get("")
    async def list_things() -> list[ThingOut]:
        return []

    app.include_router(router)
    return app


@pytest.fixture
async def client(shelf: Database, table: sa.Table) -> httpx.AsyncClient:
    async with shelf.writer.begin() as connection:
        await connection.execute(table.insert().values(**ROW))
    return client_of(make_things_app(shelf, table))


async def change(shelf: Database, table: sa.Table, **values: object) -> None:
    async with shelf.writer.begin() as connection:
        await connection.execute(sa.update(table).values(**values))


async def tag_of(client: httpx.AsyncClient) -> str:
    tag: str = (await client.get("/things/1")).headers["ETag"]
    return tag


async def rename(client: httpx.AsyncClient, name: str, **headers: str) -> httpx.Response:
    return await client.patch("/things/1", json={"name": name}, headers=headers)


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
async def test_who_has_it_already_gets_304(client: httpx.AsyncClient, form: str) -> None:
    tag = await tag_of(client)
    answer = await client.get("/things/1", headers={"If-None-Match": form.format(tag=tag)})

    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("values", [{"name": "lantern"}, {"size": 2}])
async def test_any_change_of_the_answer_is_a_change(
    client: httpx.AsyncClient, shelf: Database, table: sa.Table, values: dict[str, object]
) -> None:
    tag = await tag_of(client)
    await change(shelf, table, **values)
    answer = await client.get("/things/1", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.headers["ETag"] != tag) == (200, True)


@pytest.mark.parametrize("nonsense", ["", "abc", '"', "W/abc"])
async def test_what_cannot_be_read_matches_nothing(client: httpx.AsyncClient, nonsense: str) -> None:
    answer = await client.get("/things/1", headers={"If-None-Match": nonsense})

    assert answer.status_code == 200


async def test_head_has_the_tag_too(client: httpx.AsyncClient) -> None:
    answer = await client.head("/things/1")

    assert answer.headers["ETag"] == await tag_of(client)


async def test_lists_have_none(client: httpx.AsyncClient) -> None:
    assert "ETag" not in (await client.get("/things")).headers


async def test_a_change_goes_through_while_the_object_is_as_it_was(client: httpx.AsyncClient) -> None:
    first = await rename(client, "lantern", **{"If-Match": await tag_of(client)})
    second = await rename(client, "torch", **{"If-Match": first.headers["ETag"]})

    assert (first.status_code, second.json()["name"]) == (200, "torch")


async def test_the_answer_to_a_creation_has_a_tag_to_go_on_with(client: httpx.AsyncClient) -> None:
    made = await client.post("/things")
    changed = await rename(client, "lantern", **{"If-Match": made.headers["ETag"]})

    assert changed.status_code == 200


async def test_a_change_of_what_has_changed_is_refused(
    client: httpx.AsyncClient, shelf: Database, table: sa.Table
) -> None:
    tag = await tag_of(client)
    await change(shelf, table, name="lantern")
    answer = await rename(client, "torch", **{"If-Match": tag})

    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/precondition-failed")
    assert (await client.get("/things/1")).json()["name"] == "lantern"


async def test_what_changes_by_itself_stops_nobody(client: httpx.AsyncClient, shelf: Database, table: sa.Table) -> None:
    tag = await tag_of(client)
    await change(shelf, table, size=2)
    answer = await rename(client, "lantern", **{"If-Match": tag})

    assert answer.status_code == 200


@pytest.mark.parametrize(("form", "status"), [('"other", {tag}', 200), ("*", 200), ("W/{tag}", 412), ('""', 412)])
async def test_forms_of_demands(client: httpx.AsyncClient, form: str, status: int) -> None:
    answer = await rename(client, "lantern", **{"If-Match": form.format(tag=await tag_of(client))})

    assert answer.status_code == status


@pytest.mark.parametrize("form", ["abc", '"abc', '"a" "b"', ""])
async def test_a_demand_that_cannot_be_read_is_refused(client: httpx.AsyncClient, form: str) -> None:
    answer = await rename(client, "lantern", **{"If-Match": form})

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "If-Match")


async def test_of_many_who_saw_the_same_one_may_change_it(client: httpx.AsyncClient) -> None:
    tag = await tag_of(client)
    answers = await asyncio.gather(*(rename(client, f"lamp {number}", **{"If-Match": tag}) for number in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]


@pytest.mark.parametrize(("demand", "status"), [('"abc"', 412), ("*", 200)])
async def test_a_demand_that_nobody_looks_at_is_refused(client: httpx.AsyncClient, demand: str, status: int) -> None:
    answer = await client.delete("/things/1/name", headers={"If-Match": demand})

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("changed", "is_same"),
    [
        ({"size": 9}, True),
        ({"parts": [PartOut(wear=9)]}, True),
        ({"parts": []}, False),
        ({"document": {"updated_at": "changed", "size": 1}}, False),
        ({"at": datetime(2027, 1, 1, tzinfo=UTC)}, False),
    ],
)
async def test_the_version_is_what_lasts(changed: dict[str, Any], is_same: bool) -> None:
    """Also within objects that it is made of, and never within documents of the user's."""
    seen, present = ThingOut(name="lamp", size=1), ThingOut(**{"name": "lamp", "size": 1} | changed)

    assert is_same == (version(seen) == version(present))


def version(shown: BaseModel) -> str:
    return etag._version_of(shown.model_dump(mode="json"), type(shown))


class Document(RootModel[dict[str, Any]]):
    """Whatever the user stores."""


def test_of_a_document_of_the_users_everything_lasts() -> None:
    assert version(Document({"updated_at": 1})) != version(Document({"updated_at": 2}))


@pytest.mark.parametrize(
    ("model", "expected"),
    [(ThingOut, True), (Document, True), (list[ThingOut], False), (Page[ThingOut], False), (str, False), (None, False)],
)
def test_what_is_an_object(model: object, expected: bool) -> None:
    assert expected == etag.is_object(model)
