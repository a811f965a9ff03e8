"""The transaction of a request ends before its answer begins."""

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from stationmaster.db.engine import Database
from stationmaster.errors import Conflict
from stationmaster.web.session import ReadSessionDep, SessionDep
from tests.support.databases import ONLY_POSTGRESQL
from tests.web.building import client_of, make_app


@pytest.fixture
def app(shelf: Database, table: sa.Table) -> FastAPI:
    app = make_app()
    app.state.database = shelf

    @app.post("/things/{number}", status_code=201)
    async def create_thing(number: int, session: SessionDep, fail: bool = False) -> int:
        await session.execute(table.insert().values(id=number, name=str(number)))
        if fail:
            raise Conflict("changed my mind")
        return number

    @app.get("/things")
    async def count_things(session: ReadSessionDep) -> int:
        return await session.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    @app.post("/read-only")
    async def write_by_reader(session: ReadSessionDep) -> None:
        await session.execute(table.insert().values(id=1, name="x"))

    return app


async def count(database: Database, table: sa.Table) -> int | None:
    async with database.reader.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table))


async def test_it_is_stored_before_the_first_byte_leaves(app: FastAPI, shelf: Database, table: sa.Table) -> None:
    stored: list[int | None] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def look(message: Message) -> None:
            if message["type"] == "http.response.start":
                stored.append(await count(shelf, table))
            await send(message)

        await app(scope, receive, look)

    async with client_of(watched) as client:  # type: ignore[arg-type]  # any ASGI application will do
        answer = await client.post("/things/1")

    assert (answer.status_code, stored) == (201, [1])


async def test_a_refusal_stores_nothing(app: FastAPI, shelf: Database, table: sa.Table) -> None:
    async with client_of(app) as client:
        answer = await client.post("/things/1?fail=true")

    assert (answer.status_code, await count(shelf, table)) == (409, 0)


@ONLY_POSTGRESQL
async def test_a_commit_that_fails_is_not_answered_with_success(app: FastAPI, shelf: Database, table: sa.Table) -> None:
    deferred = "ALTER TABLE things DROP CONSTRAINT things_name_key, ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED"
    async with shelf.writer.begin() as connection:
        await connection.execute(sa.text(deferred))
        await connection.execute(table.insert().values(id=9, name="1"))

    async with client_of(app) as client:
        answer = await client.post("/things/1")

    assert (answer.status_code, await count(shelf, table)) == (409, 1)


async def test_an_answer_that_breaks_its_declaration_stores_nothing(
    app: FastAPI, shelf: Database, table: sa.Table
) -> None:
    @app.post("/wrong", response_model=int)
    async def create_wrong(session: SessionDep) -> str:
        await session.execute(table.insert().values(id=1, name="x"))
        return "not a number"

    async with client_of(app) as client:
        answer = await client.post("/wrong")

    assert (answer.status_code, await count(shelf, table)) == (500, 0)


async def test_a_reader_reads_and_cannot_write(app: FastAPI, shelf: Database, table: sa.Table) -> None:
    async with client_of(app) as client:
        await client.post("/things/1")
        read, written = await client.get("/things"), await client.post("/read-only")

    assert read.json() == 1
    assert written.status_code >= 500
    assert await count(shelf, table) == 1
