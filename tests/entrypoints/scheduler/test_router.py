"""The scheduler as operators see it."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from dirty_equals import IsPartialDict, IsStr
from fastapi import FastAPI

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.leases import Lease
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution, Worker
from stationmaster.identity.actor import Role
from tests.support.executions import make_spec, store
from tests.support.people import make_person
from tests.support.work import lead

PATH = "/api/v1/scheduler"
INSTANT = IsStr(regex=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
async def database(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


async def ask(app: FastAPI, client: httpx.AsyncClient) -> dict[str, Any]:
    admin = await make_person(app, Role.ADMIN)
    answer = await client.get(PATH, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def now_of(database: Database) -> datetime:
    async with unit_of_work(database) as session:
        return await database_now(session)


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.USER, 403), (Role.ADMIN, 200), (Role.SUPERADMIN, 200)]
)
async def test_admins_may_read_it(app: FastAPI, client: httpx.AsyncClient, role: Role | None, status: int) -> None:
    headers = (await make_person(app, role)).headers if role else {}

    assert status == (await client.get(PATH, headers=headers)).status_code


async def test_an_idle_house_has_no_leader_and_nothing_to_tell(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert await ask(app, client) == {
        "leader": None,
        "epoch": None,
        "since": None,
        "lateness_p50_seconds": None,
        "lateness_p99_seconds": None,
        "queue_depth": 0,
        "replicas": [],
    }


async def test_it_names_the_leader_and_its_term(app: FastAPI, client: httpx.AsyncClient, database: Database) -> None:
    for name in ("station-1", "station-2"):
        await lead(database, name)

    assert await ask(app, client) == IsPartialDict(leader="station-2", epoch=2, since=INSTANT)


async def test_who_led_until_a_while_ago_does_not_lead(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    await lead(database, "station-1")
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Lease).values(expires_at=await database_now(session)))

    assert await ask(app, client) == IsPartialDict(leader=None, epoch=1, since=None)


async def test_it_counts_what_waits_and_measures_how_late_it_starts(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    now = await now_of(database)
    ids = await store(database, make_spec(), 4)
    async with unit_of_work(database) as session:
        for late, id_ in enumerate(ids[:3], start=1):
            columns = {"trigger": "schedule", "scheduled_for": now, "started_at": now + timedelta(seconds=late)}
            columns |= {"state": "succeeded"}
            await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(**columns))

    assert await ask(app, client) == IsPartialDict(queue_depth=1, lateness_p50_seconds=2.0, lateness_p99_seconds=3.0)


async def test_it_lists_the_replicas_that_work(app: FastAPI, client: httpx.AsyncClient, database: Database) -> None:
    now = await now_of(database)
    async with unit_of_work(database) as session:
        session.add(Worker(name="station-1", started_at=now, seen_at=now, in_flight=3))

    assert await ask(app, client) == IsPartialDict(
        replicas=[{"name": "station-1", "started_at": INSTANT, "seen_at": INSTANT, "in_flight": 3}]
    )
