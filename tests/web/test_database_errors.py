"""Failures of real databases, and what the caller hears of them."""

from typing import Any

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm.exc import StaleDataError

from stationmaster.db.engine import Database
from stationmaster.web.database_errors import find_answer
from tests.support.databases import ONLY_POSTGRESQL, ONLY_SQLITE
from tests.web.building import client_of, make_app


async def answer_to_work(database: Database, *statements: Any) -> httpx.Response:
    app = make_app()

    @app.post("/work")
    async def do_work() -> None:
        async with database.writer.begin() as connection:
            for statement in statements:
                await connection.execute(statement)

    async with client_of(app) as client:
        return await client.post("/work")


async def answer_to_connecting(url: str, **options: Any) -> httpx.Response:
    app = make_app()
    engine = create_async_engine(url, **options)

    @app.get("/work")
    async def do_work() -> None:
        async with engine.connect():
            pass

    async with client_of(app) as client:
        answer = await client.get("/work")
    await engine.dispose()
    return answer


@pytest.mark.parametrize(
    "row", [{"id": 1, "name": "second"}, {"id": 2, "name": "first"}, {"id": 2, "name": "b", "size": 2_000_000}]
)
async def test_a_broken_constraint_is_a_conflict(shelf: Database, table: sa.Table, row: dict[str, Any]) -> None:
    first = table.insert().values(id=1, name="first")

    answer = await answer_to_work(shelf, first, table.insert().values(**row))

    assert answer.status_code == 409
    assert "first" not in answer.text


@pytest.mark.parametrize("row", [{"id": 2**70, "name": "a"}, {"id": 1, "name": "\ud800"}])
async def test_what_cannot_be_stored_is_invalid(shelf: Database, table: sa.Table, row: dict[str, Any]) -> None:
    answer = await answer_to_work(shelf, table.insert().values(**row))

    assert answer.status_code == 422
    assert answer.json()["errors"]


@ONLY_POSTGRESQL
@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("SELECT 'x'::uuid", 422),  # 22P02
        ("SELECT 99999999999::int", 422),  # 22003
        ("SELECT chr(0)", 500),  # 54000: a limit of the program, ours
        ("SELECT 1/0", 500),  # 22012: our arithmetic, not their input
        ("SELECT * FROM nowhere", 500),  # 42P01
        ("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", 503),
        ("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$", 503),
        ("DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$", 503),
        ("DO $$ BEGIN RAISE SQLSTATE '57014'; END $$", 503),
        ("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$", 503),
        ("DO $$ BEGIN RAISE SQLSTATE '57P03'; END $$", 503),
        ("SELECT pg_terminate_backend(pg_backend_pid())", 503),
    ],
)
async def test_an_sqlstate_decides(shelf: Database, sql: str, status: int) -> None:
    answer = await answer_to_work(shelf, sa.text(sql))

    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 503)


@ONLY_POSTGRESQL
async def test_text_with_nul_is_invalid(shelf: Database, table: sa.Table) -> None:
    assert (await answer_to_work(shelf, table.insert().values(id=1, name="a\x00"))).status_code == 422


@ONLY_POSTGRESQL
async def test_a_statement_that_takes_too_long_is_to_be_tried_again(shelf: Database) -> None:
    answer = await answer_to_work(shelf, sa.text("SET LOCAL statement_timeout='5ms'"), sa.text("SELECT pg_sleep(5)"))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@ONLY_SQLITE
@pytest.mark.parametrize("sql", ["SELECT * FROM nowhere", "SELEKT"])
async def test_wrong_sql_is_our_mistake(shelf: Database, sql: str) -> None:
    assert (await answer_to_work(shelf, sa.text(sql))).status_code == 500


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://u:p@127.0.0.1:1/nothing",
        "postgresql+asyncpg://u:p@/nothing?host=/nonexistent",
        "sqlite+aiosqlite:////nonexistent/folder/file",
    ],
)
async def test_a_database_that_is_away_is_to_be_tried_again(url: str) -> None:
    answer = await answer_to_connecting(url)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "nonexistent" not in answer.text


async def test_a_full_pool_is_to_be_tried_again(shelf: Database) -> None:
    engine = create_async_engine(shelf.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    async with engine.connect():
        app = make_app()
        app.add_api_route("/", engine.connect().start, methods=["GET"], name="get_connection", response_model=None)

        async with client_of(app) as client:
            answer = await client.get("/")
    await engine.dispose()

    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConnectionResetError(), 503),
        (TimeoutError(), 503),
        (asyncpg.InterfaceError("closed"), 503),
        (asyncpg.exceptions.InvalidCachedStatementError("changed"), 503),
        (asyncpg.exceptions.DeadlockDetectedError("dead"), 503),
        (asyncpg.exceptions.UniqueViolationError("twice"), 409),
        (StaleDataError("gone"), 409),
        (asyncpg.exceptions.UndefinedTableError("nowhere"), None),
        (FileNotFoundError(), None),
    ],
)
def test_each_failure_has_its_meaning(error: Exception, status: int | None) -> None:
    answer = find_answer(error)

    assert (answer.status if answer else None) == status
