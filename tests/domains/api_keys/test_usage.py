"""Counting uses without a write for each of them."""

from datetime import date, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.api_keys import usage
from stationmaster.domains.api_keys.models import ApiKey, ApiKeyUsage
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.support.people import make_key, make_person

STATS = "/api/v1/auth/usage-stats"
ME = "/api/v1/auth/me"


async def rows_of(app: FastAPI) -> list[tuple[str, int]]:
    async with read_only(app.state.database) as session:
        found = await session.scalars(select(ApiKeyUsage).order_by(col(ApiKeyUsage.endpoint)))
        return [(row.endpoint, row.count) for row in found]


async def test_counts_by_operation(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)
    for path in (ME, ME, ME, "/api/v1/jobs", "/api/v1/jobs", f"/api/v1/jobs/{new_id()}"):
        await client.get(path, headers=key)

    stats = (await client.get(STATS, headers=key)).json()

    assert (stats["usage_count"], stats["daily_usage"], stats["weekly_usage"]) == (7, 7, 7)
    assert stats["top_endpoints"] == [
        {"endpoint": "GET /api/v1/auth/me", "count": 3},
        {"endpoint": "GET /api/v1/jobs", "count": 2},
        {"endpoint": "GET /api/v1/auth/usage-stats", "count": 1},
        {"endpoint": "GET /api/v1/jobs/{job_id}", "count": 1},
    ]
    assert stats["last_used_at"] is not None


async def test_each_call_adds_one(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)

    assert [(await client.get(ME, headers=key)).json()["usage_count"] for _ in range(3)] == [1, 2, 3]


async def test_refused_calls_of_a_good_key_count_too(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user, scopes=["jobs:read"])

    await client.get("/api/v1/users", headers=key)

    assert (await client.get(ME, headers=key)).json()["usage_count"] == 2


async def test_nothing_is_written_until_it_is_time(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    key, headers = await make_key(app, ada.user)
    await client.get(ME, headers=headers)
    before = await rows_of(app)

    await app.state.authenticator.usage.flush()

    assert (before, await rows_of(app)) == ([], [("GET /api/v1/auth/me", 1)])
    async with read_only(app.state.database) as session:
        stored = await session.get(ApiKey, key.id)
    assert stored is not None
    assert (stored.usage_count, stored.updated_at) == (1, key.updated_at)
    assert stored.last_used_at is not None


async def test_batches_add_up(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)
    for _ in range(3):
        await client.get(ME, headers=key)
        await app.state.authenticator.usage.flush()

    assert (await client.get(ME, headers=key)).json()["usage_count"] == 4
    assert await rows_of(app) == [("GET /api/v1/auth/me", 3)]


async def test_what_cannot_be_written_is_kept(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)
    await client.get(ME, headers=key)
    counter = app.state.authenticator.usage

    async def fail(*_: object) -> None:
        raise OperationalError("", {}, Exception("the database is away"))

    with monkeypatch.context() as patched:
        patched.setattr(usage, "_write", fail)
        await counter.flush()
    kept = (await client.get(ME, headers=key)).json()["usage_count"]
    await counter.flush()

    assert kept == 2
    assert await rows_of(app) == [("GET /api/v1/auth/me", 2)]


async def test_a_key_deleted_meanwhile_disturbs_nobody(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    gone, headers = await make_key(app, ada.user)
    _, other = await make_key(app, ada.user)
    for key in (headers, other):
        await client.get(ME, headers=key)
    await client.delete(f"/api/v1/api-keys/{gone.id}", headers=ada.headers)

    await app.state.authenticator.usage.flush()

    assert await rows_of(app) == [("GET /api/v1/auth/me", 1)]


async def test_weeks_end(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    key, headers = await make_key(app, ada.user)
    today = clock.now().date()
    days = [today, today - timedelta(days=1), today - timedelta(days=6), today - timedelta(days=7)]
    async with unit_of_work(app.state.database) as session:
        session.add_all(ApiKeyUsage(api_key_id=key.id, used_on=day, endpoint="GET /x", count=10) for day in days)

    stats = (await client.get(STATS, headers=headers)).json()

    assert (stats["daily_usage"], stats["weekly_usage"]) == (11, 31)


async def test_old_days_are_forgotten(app: FastAPI) -> None:
    ada = await make_person(app)
    key, _ = await make_key(app, ada.user)
    today = clock.now().date()

    def day(age: int) -> date:
        return today - timedelta(days=age)

    async with unit_of_work(app.state.database) as session:
        session.add_all(
            ApiKeyUsage(api_key_id=key.id, used_on=day(age), endpoint="GET /x", count=1) for age in (0, 399, 401, 900)
        )
        await session.flush()
        assert await usage.forget_old(session) == 2


async def test_people_have_no_such_statistics(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    assert (await client.get(STATS, headers=ada.headers)).status_code == 403


async def test_the_rest_is_written_at_the_end(app: FastAPI) -> None:
    ada = await make_person(app)
    key, _ = await make_key(app, ada.user)

    async with usage.open_usage_counter(app.state.database) as counter:
        counter.count(key.id, "GET /x")

    assert await rows_of(app) == [("GET /x", 1)]
    async with read_only(app.state.database) as session:
        assert await session.scalar(select(ApiKey.usage_count)) == 1
