"""Equal requests that overlap: in one process, in two, with and without a transaction of their own."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI, Request
from sqlmodel import col

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database
from stationmaster.db.idempotency import KeptAnswer
from stationmaster.errors import Conflict
from stationmaster.kit import clock
from stationmaster.kit.sealing import Sealer
from stationmaster.web import idempotency
from stationmaster.web.idempotency import AnswerBook
from stationmaster.web.idempotency_request import read_key
from stationmaster.web.operation import Operation
from stationmaster.web.session import SessionDep
from tests.web.building import client_of, make_app

KEY = {"Idempotency-Key": "k"}


@dataclass
class Replica:
    """A small service: `/things` works in the request's transaction, `/calls` in none. Both wait at the gate."""

    app: FastAPI
    client: httpx.AsyncClient
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0
    error: Exception | None = None

    async def work(self) -> None:
        self.calls += 1
        self.arrived.set()
        await self.gate.wait()
        if self.error:
            raise self.error


def make_replica(shelf: Database, table: sa.Table, name: str) -> Replica:
    app, router = make_app(), APIRouter(route_class=Operation)
    app.state.database = shelf
    book = AnswerBook(shelf, Sealer(b"k" * 32), patience_seconds=0.2)
    replica = Replica(app, client_of(app))

    async def once(request: Request) -> AsyncIterator[None]:
        async with book.once(request, "ada", read_key(request) or ""):
            yield

    @router.post("/things", status_code=201)
    async def create_thing(session: SessionDep) -> str:
        await replica.work()
        await session.execute(table.insert().values(id=replica.calls if name == "first" else 100, name=name))
        return name

    @router.post("/calls")
    async def call() -> str:
        await replica.work()
        return name

    app.include_router(router, dependencies=[Depends(once, scope="function")])
    idempotency.install(app)
    return replica


@pytest.fixture
async def shelf(shelf: Database) -> Database:
    async with shelf.writer.begin() as connection:
        await connection.run_sync(table_of(KeptAnswer).create)
    return shelf


@pytest.fixture
def first(shelf: Database, table: sa.Table) -> Replica:
    return make_replica(shelf, table, "first")


@pytest.fixture
def second(shelf: Database, table: sa.Table) -> Replica:
    return make_replica(shelf, table, "second")


async def names(shelf: Database, table: sa.Table) -> list[str]:
    async with shelf.reader.connect() as connection:
        return [*await connection.scalars(sa.select(table.c.name))]


async def kept(shelf: Database) -> list[str | None]:
    async with shelf.reader.connect() as connection:
        return [*await connection.scalars(sa.select(col(KeptAnswer.answer)))]


@pytest.mark.parametrize("path", ["/things", "/calls"])
async def test_a_second_request_waits_a_moment_for_the_answer(first: Replica, path: str) -> None:
    async with asyncio.TaskGroup() as group:
        one = group.create_task(first.client.post(path, headers=KEY))
        await first.arrived.wait()
        two = group.create_task(first.client.post(path, headers=KEY))
        first.gate.set()

    assert two.result().headers["Idempotency-Replayed"] == "true"
    assert (first.calls, two.result().content) == (1, one.result().content)


@pytest.mark.parametrize("path", ["/things", "/calls"])
async def test_after_that_it_is_told_that_the_first_is_still_running(first: Replica, path: str) -> None:
    async with asyncio.TaskGroup() as group:
        one = group.create_task(first.client.post(path, headers=KEY))
        await first.arrived.wait()
        two = await first.client.post(path, headers=KEY)
        first.gate.set()

    assert (two.status_code, two.json()["type"], two.headers["Retry-After"]) == (409, "/problems/still-running", "1")
    assert (first.calls, one.result().is_success) == (1, True)


@pytest.mark.parametrize("path", ["/things", "/calls"])
async def test_when_the_first_fails_the_waiting_one_is_carried_out(first: Replica, path: str) -> None:
    first.error = Conflict("not now")
    async with asyncio.TaskGroup() as group:
        one = group.create_task(first.client.post(path, headers=KEY))
        await first.arrived.wait()
        two = group.create_task(first.client.post(path, headers=KEY))
        first.gate.set()
        await asyncio.wait([one])
        first.error = None

    assert (one.result().status_code, two.result().is_success, first.calls) == (409, True, 2)


async def test_whoever_ends_second_is_undone_and_gives_the_others_answer(
    first: Replica, second: Replica, shelf: Database, table: sa.Table
) -> None:
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(first.client.post("/things", headers=KEY))
        await first.arrived.wait()
        second.gate.set()
        quick = await second.client.post("/things", headers=KEY)
        first.gate.set()

    assert (slow.result().status_code, slow.result().json()) == (201, "second")
    assert slow.result().headers["Idempotency-Replayed"] == "true"
    assert (quick.json(), await names(shelf, table)) == ("second", ["second"])


async def test_whoever_fails_because_another_was_first_gives_the_others_answer(first: Replica, second: Replica) -> None:
    """Such as two that want the same unique name."""
    first.error = Conflict("the name is taken")
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(first.client.post("/things", headers=KEY))
        await first.arrived.wait()
        second.gate.set()
        await second.client.post("/things", headers=KEY)
        first.gate.set()

    assert (slow.result().status_code, slow.result().json()) == (201, "second")


async def test_without_a_transaction_another_replica_is_told_at_once(first: Replica, second: Replica) -> None:
    async with asyncio.TaskGroup() as group:
        one = group.create_task(first.client.post("/calls", headers=KEY))
        await first.arrived.wait()
        early = await second.client.post("/calls", headers=KEY)
        first.gate.set()
    late = await second.client.post("/calls", headers=KEY)

    assert (early.status_code, second.calls) == (409, 0)
    assert (late.json(), late.headers["Idempotency-Replayed"]) == (one.result().json(), "true")


@pytest.mark.parametrize("error", [Conflict("not now"), ZeroDivisionError()])
@pytest.mark.parametrize("path", ["/things", "/calls"])
async def test_a_failure_leaves_nothing_behind(first: Replica, shelf: Database, path: str, error: Exception) -> None:
    first.error = error
    first.gate.set()
    answer = await first.client.post(path, headers=KEY)

    assert answer.status_code == (409 if isinstance(error, Conflict) else 500)
    assert await kept(shelf) == []


async def test_a_claim_that_ran_out_costs_the_slow_one_its_answer(
    first: Replica, second: Replica, shelf: Database
) -> None:
    second.gate.set()
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(first.client.post("/calls", headers=KEY))
        await first.arrived.wait()
        async with shelf.writer.begin() as connection:
            await connection.execute(sa.update(KeptAnswer).values(expires_at=clock.now() - timedelta(seconds=1)))
        await second.client.post("/calls", headers=KEY)
        first.gate.set()
    later = await first.client.post("/calls", headers=KEY)

    assert (slow.result().json(), later.json()) == ("first", "second")


async def test_another_body_is_refused_while_the_first_runs(first: Replica) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(first.client.post("/calls", headers=KEY))
        await first.arrived.wait()
        other = group.create_task(first.client.post("/calls", headers=KEY, content=b"other"))
        first.gate.set()

    assert other.result().status_code == 422
