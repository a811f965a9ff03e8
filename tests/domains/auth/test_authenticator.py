"""What a replica remembers of callers, and for how long."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.app import create_app
from stationmaster.config import Settings
from stationmaster.domains.auth import authenticator
from stationmaster.domains.auth.access_tokens import Claims
from stationmaster.identity.actor import Role
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.lifespan import lifespan_of
from tests.support.people import PASSWORD, Person, make_key, make_person

ME = "/api/v1/auth/me"


@pytest.fixture
async def second(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Start a second replica on the same database."""
    replica = create_app(settings)
    async with (
        lifespan_of(replica),
        httpx.AsyncClient(transport=httpx.ASGITransport(replica), base_url="http://second") as client,
    ):
        yield client


async def log_out(client: httpx.AsyncClient, person: Person, _admin: Person) -> httpx.Response:
    return await client.post("/api/v1/auth/logout", headers=person.headers)


async def end_the_session(client: httpx.AsyncClient, person: Person, _admin: Person) -> httpx.Response:
    return await client.delete(f"/api/v1/users/me/sessions/{person.grant.session_id}", headers=person.headers)


async def log_out_everywhere(client: httpx.AsyncClient, person: Person, _admin: Person) -> httpx.Response:
    return await client.post("/api/v1/auth/logout-all", headers=person.headers)


async def change_the_password(client: httpx.AsyncClient, person: Person, _admin: Person) -> httpx.Response:
    body = {"current_password": PASSWORD, "new_password": "eight silent semaphores"}
    return await client.post("/api/v1/users/me/change-password", json=body, headers=person.headers)


async def deactivate(client: httpx.AsyncClient, person: Person, admin: Person) -> httpx.Response:
    return await client.patch(f"/api/v1/users/{person.id}", json={"is_active": False}, headers=admin.headers)


async def delete(client: httpx.AsyncClient, person: Person, admin: Person) -> httpx.Response:
    return await client.delete(f"/api/v1/users/{person.id}", headers=admin.headers)


Revocation = Callable[[httpx.AsyncClient, Person, Person], Awaitable[httpx.Response]]
EVERY_REVOCATION = pytest.mark.parametrize(
    "revoke", [log_out, end_the_session, log_out_everywhere, change_the_password, deactivate, delete]
)


async def seconds_until(is_so: Callable[[], Awaitable[bool]], *, at_most: float) -> float:
    began = time.monotonic()
    while not await is_so():
        assert time.monotonic() - began < at_most
        await asyncio.sleep(0.01)
    return time.monotonic() - began


@EVERY_REVOCATION
async def test_a_revocation_counts_at_once_here(app: FastAPI, client: httpx.AsyncClient, revoke: Revocation) -> None:
    ada, admin = await make_person(app), await make_person(app, Role.SUPERADMIN)
    before = await client.get(ME, headers=ada.headers)

    answer = await revoke(client, ada, admin)

    assert (before.status_code, answer.is_success) == (200, True)
    assert (await client.get(ME, headers=ada.headers)).status_code == 401


@ONLY_POSTGRESQL
@EVERY_REVOCATION
async def test_a_revocation_counts_at_the_other_replica_in_no_time(
    app: FastAPI, client: httpx.AsyncClient, second: httpx.AsyncClient, revoke: Revocation
) -> None:
    ada, admin = await make_person(app), await make_person(app, Role.SUPERADMIN)
    assert (await second.get(ME, headers=ada.headers)).status_code == 200

    await revoke(client, ada, admin)

    async def is_refused() -> bool:
        return (await second.get(ME, headers=ada.headers)).status_code == 401

    assert await seconds_until(is_refused, at_most=5) < 1


@ONLY_POSTGRESQL
async def test_a_new_role_counts_at_the_other_replica(
    app: FastAPI, client: httpx.AsyncClient, second: httpx.AsyncClient
) -> None:
    ada, admin = await make_person(app), await make_person(app, Role.SUPERADMIN)
    await second.get(ME, headers=ada.headers)

    await client.patch(f"/api/v1/users/{ada.id}", json={"role": "viewer"}, headers=admin.headers)

    async def is_viewer() -> bool:
        return bool((await second.get(ME, headers=ada.headers)).json()["role"] == "viewer")

    assert await seconds_until(is_viewer, at_most=5) < 1


async def test_a_revocation_that_nobody_told_of_counts_when_the_memory_is_old(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes on one SQLite file, or a notice that was lost: only the age of what is remembered helps."""
    assert authenticator.MAX_AGE_SECONDS < 5
    monkeypatch.setattr(authenticator, "MAX_AGE_SECONDS", 0.05)
    app = create_app(settings)
    async with (
        lifespan_of(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://replica") as client,
    ):
        ada = await make_person(app)
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        async with app.state.database.writer.begin() as connection:
            await connection.execute(sa.text("UPDATE users SET version = version + 1"))

        async def is_refused() -> bool:
            return (await client.get(ME, headers=ada.headers)).status_code == 401

        await seconds_until(is_refused, at_most=2)


async def test_a_key_is_remembered_apart_from_sessions(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, Role.ADMIN)
    key, headers = await make_key(app, ada.user, Role.VIEWER)

    answers = [(await client.get(ME, headers=each)).json() for each in (headers, ada.headers, headers)]

    assert [(answer["kind"], answer["id"], answer["role"]) for answer in answers] == [
        ("api_key", str(key.id), "viewer"),
        ("user", str(ada.id), "admin"),
        ("api_key", str(key.id), "viewer"),
    ]


async def test_a_token_of_somebody_elses_session_does_not_count(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Its signature is ours, as after a restored backup, say, in which ids were given again."""
    ada, bob = await make_person(app), await make_person(app)
    mixed = app.state.authenticator.access.issue(Claims(user_id=bob.id, session_id=ada.grant.session_id))

    statuses = [(await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code
                for token in (mixed, ada.grant.access_token, mixed)]  # fmt: skip
    assert statuses == [401, 200, 401]
