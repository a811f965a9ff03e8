"""A POST that is sent twice is carried out once: on the whole application, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from stationmaster.app import create_app
from stationmaster.config import Settings
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.idempotency import KeptAnswer
from stationmaster.db.session import unit_of_work
from stationmaster.domains.audit.models import AuditLog
from stationmaster.domains.jobs.models import Job
from tests.support.lifespan import lifespan_of
from tests.support.people import PASSWORD, Person, make_person
from tests.support.work import TARGET

JOBS = "/api/v1/jobs"
JOB = {"name": "nightly", "target": TARGET, "schedules": []}
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


@pytest.fixture
async def second_client(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Call a second replica on the same database."""
    replica = create_app(settings)
    async with (
        lifespan_of(replica),
        httpx.AsyncClient(transport=httpx.ASGITransport(replica), base_url="http://testserver") as opened,
    ):
        yield opened


def database_of(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


async def count(app: FastAPI, model: type[Any]) -> int | None:
    async with database_of(app).reader.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(model))


async def grow_older(app: FastAPI, by: timedelta) -> None:
    """Let all kept answers be as they will be later."""
    async with unit_of_work(database_of(app)) as session:
        now = await database_now(session)
        await session.execute(sa.update(KeptAnswer).values(expires_at=now + timedelta(hours=24) - by))


async def test_the_second_gets_the_answer_of_the_first(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    first = await client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    second = await client.post(JOBS, json=JOB, headers=ada.headers | KEY)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["Location"] == first.headers["Location"]
    assert (first.headers.get("Idempotency-Replayed"), second.headers["Idempotency-Replayed"]) == (None, "true")
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert await count(app, Job) == 1


async def test_a_key_with_quotes_is_the_same_key(client: httpx.AsyncClient, ada: Person) -> None:
    quoted = {"Idempotency-Key": f'"{KEY["Idempotency-Key"]}"'}
    await client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    second = await client.post(JOBS, json=JOB, headers=ada.headers | quoted)

    assert second.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(("path", "body"), [("/jobs", JOB | {"name": "other"}), ("/jobs/validate-cron", JOB)])
async def test_another_request_with_the_key_is_refused(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, path: str, body: dict[str, Any]
) -> None:
    await client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    other = await client.post(f"/api/v1{path}", json=body, headers=ada.headers | KEY)

    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert other.json()["errors"][0]["parameter"] == "Idempotency-Key"
    assert await count(app, Job) == 1


async def test_an_unreadable_key_is_refused(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    answer = await client.post(JOBS, json=JOB, headers=ada.headers | {"Idempotency-Key": "two words"})

    assert answer.status_code == 422
    assert await count(app, Job) == 0


async def test_what_was_refused_may_be_sent_again_changed(client: httpx.AsyncClient, ada: Person) -> None:
    refused = await client.post(JOBS, json=JOB | {"name": ""}, headers=ada.headers | KEY)
    made = await client.post(JOBS, json=JOB, headers=ada.headers | KEY)

    assert (refused.status_code, made.status_code) == (422, 201)


async def test_a_conflict_is_not_kept(client: httpx.AsyncClient, ada: Person) -> None:
    taken = await client.post(JOBS, json=JOB, headers=ada.headers)
    conflict = await client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    await client.delete(taken.headers["Location"], headers=ada.headers)
    made = await client.post(JOBS, json=JOB, headers=ada.headers | KEY)

    assert (conflict.status_code, made.status_code) == (409, 201)


async def test_callers_do_not_meet_in_one_key(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    grace = await make_person(app)
    await client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    hers = await client.post(JOBS, json=JOB | {"name": "hers"}, headers=grace.headers | KEY)

    assert (hers.status_code, hers.json()["owner_id"]) == (201, str(grace.id))


async def test_nobody_else_gets_the_answer(client: httpx.AsyncClient, ada: Person) -> None:
    await client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    stranger = await client.post(JOBS, json=JOB, headers=KEY)
    false_token = await client.post(JOBS, json=JOB, headers={"Authorization": "Bearer x"} | KEY)

    assert (stranger.status_code, false_token.status_code) == (401, 401)


async def test_after_a_day_the_key_is_free(client: httpx.AsyncClient, app: FastAPI, ada: Person) -> None:
    await client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    await grow_older(app, timedelta(hours=23, minutes=59))
    replayed = await client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    await grow_older(app, timedelta(hours=24, seconds=1))
    anew = await client.post(JOBS, json=JOB | {"name": "another day"}, headers=ada.headers | KEY)

    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert (anew.status_code, anew.headers.get("Idempotency-Replayed")) == (201, None)


async def test_a_login_is_given_again_and_kept_sealed(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    body = {"email": ada.user.email, "password": PASSWORD}
    first, second = [await client.post("/api/v1/auth/login", json=body, headers=KEY) for _ in range(2)]
    async with database_of(app).reader.connect() as connection:
        stored = await connection.scalar(sa.select(col(KeptAnswer.answer)))

    assert second.json()["refresh_token"] == first.json()["refresh_token"]
    assert stored is not None
    assert first.json()["refresh_token"] not in stored


async def test_a_form_is_answered_once(client: httpx.AsyncClient, ada: Person) -> None:
    form = {"username": ada.user.email, "password": PASSWORD}
    first, second = [await client.post("/api/v1/auth/token", data=form, headers=KEY) for _ in range(2)]
    other = await client.post("/api/v1/auth/token", data=form | {"password": "other"}, headers=KEY)

    assert second.json() == first.json()
    assert other.status_code == 422


async def test_cookies_are_given_again(client: httpx.AsyncClient, ada: Person) -> None:
    body = {"email": ada.user.email, "password": PASSWORD, "cookie": True}
    first = await client.post("/api/v1/auth/login", json=body, headers=KEY)
    client.cookies.clear()
    second = await client.post("/api/v1/auth/login", json=body, headers=KEY)

    assert len(first.headers.get_list("set-cookie")) == 3
    assert second.headers.get_list("set-cookie") == first.headers.get_list("set-cookie")


async def test_strangers_with_other_credentials_are_others(client: httpx.AsyncClient) -> None:
    """Two browsers behind one address, whose clients are so careless as to use the same key."""
    url, key = "/api/v1/auth/logout", KEY
    first = await client.post(url, headers=key | {"Cookie": "stationmaster-refresh=one"})
    second = await client.post(url, headers=key | {"Cookie": "stationmaster-refresh=two"})

    assert (first.status_code, second.status_code) == (204, 204)
    assert "Idempotency-Replayed" not in second.headers


async def test_an_answer_given_again_is_no_second_deed(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    for _ in range(3):
        await client.post(JOBS, json=JOB, headers=ada.headers | KEY)

    assert await count(app, AuditLog) == 1


async def test_of_fifty_at_once_one_is_carried_out(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    answers = await asyncio.gather(*(client.post(JOBS, json=JOB, headers=ada.headers | KEY) for _ in range(50)))
    late = [answer for answer in answers if answer.status_code == 409]
    again = [await client.post(JOBS, json=JOB, headers=ada.headers | KEY) for _ in late]
    settled = [answer for answer in answers if answer not in late] + again

    assert {answer.headers["Retry-After"] for answer in late} <= {"1"}
    assert {answer.status_code for answer in settled} == {201}
    assert len({answer.content for answer in settled}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in settled].count(None) == 1
    assert await count(app, Job) == 1


async def test_two_replicas_carry_it_out_once(
    app: FastAPI, client: httpx.AsyncClient, second_client: httpx.AsyncClient, ada: Person
) -> None:
    calls = [each.post(JOBS, json=JOB, headers=ada.headers | KEY) for each in (client, second_client) * 10]
    answers = await asyncio.gather(*calls)
    again = await second_client.post(JOBS, json=JOB, headers=ada.headers | KEY)
    made = {answer.content for answer in [*answers, again] if answer.status_code == 201}

    assert {answer.status_code for answer in answers} <= {201, 409, 503}
    assert again.status_code == 201
    assert (len(made), await count(app, Job), await count(app, AuditLog)) == (1, 1, 1)
