"""Logging in: who may, and what strangers learn."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from passlib.hash import argon2

from stationmaster.config import LoginSettings, Settings
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.users import service as users
from stationmaster.domains.users.passwords import HASHES_AT_ONCE
from stationmaster.identity.actor import Role
from stationmaster.kit.passwords import needs_rehash
from tests.support.databases import ONLY_SQLITE
from tests.support.people import PASSWORD, make_person, make_user

LOGIN = "/api/v1/auth/login"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"login": LoginSettings(free_failures=3)})


async def log_in(client: httpx.AsyncClient, password: str = PASSWORD, **body: Any) -> httpx.Response:
    return await client.post(LOGIN, json={**body, "password": password})


@ONLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        {"email": "ada@example.com"},
        {"email": "ADA@Example.com"},
        {"username": "Countess"},
        {"username": "countess"},
        {"username": " ada@example.com "},
    ],
)
async def test_by_either_name_in_any_case(app: FastAPI, client: httpx.AsyncClient, body: dict[str, str]) -> None:
    await make_user(app.state.database, email="Ada@example.com", username="Countess")

    answer = await log_in(client, **body)

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 600)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    me = (await client.get("/api/v1/auth/me", headers=headers)).json()
    assert (me["email"], me["kind"], me["role"]) == ("ada@example.com", "user", "user")


@ONLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@example.com", "username": "a", "password": PASSWORD},
        {"email": "", "password": PASSWORD},
        {"email": "a@example.com"},
        {"email": "a@example.com", "password": ""},
        {"email": "a@example.com", "password": "x" * 257},
        {"email": "a@example.com", "password": PASSWORD, "role": "admin"},
        {"email": ["a@example.com"], "password": PASSWORD},
    ],
)
async def test_refuses_what_is_no_login(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await client.post(LOGIN, json=body)).status_code == 422


async def test_known_and_unknown_accounts_look_the_same(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="known@example.com")

    answers = [[await log_in(client, "wrong password", email=f"{name}@example.com") for _ in range(5)]
               for name in ("known", "unknow")]  # fmt: skip

    seen = [[(answer.status_code, answer.json()["title"], answer.json()["detail"], len(answer.content))
             for answer in of_one] for of_one in answers]  # fmt: skip
    assert seen[0] == seen[1]
    assert [status for status, *_ in seen[0]] == [401, 401, 401, 429, 429]


async def test_a_lock_also_refuses_the_right_password(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com", username="ada")
    for _ in range(3):
        await log_in(client, "wrong password", email="ada@example.com")

    answer = await log_in(client, username="ada")

    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 30


async def test_failures_before_a_success_are_forgotten(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com")
    passwords = ["wrong password", "wrong password", PASSWORD] * 3

    answers = [await log_in(client, password, email="ada@example.com") for password in passwords]

    assert [answer.status_code for answer in answers] == [401, 401, 200] * 3


async def test_hundreds_of_parallel_guesses_do_not_slip_through(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com")

    answers = await asyncio.gather(*(log_in(client, f"guess {n}", email="ada@example.com") for n in range(40)))

    guessed = sum(answer.status_code == 401 for answer in answers)
    # As many as are free, and those few that were being hashed when the lock fell.
    assert 3 <= guessed <= 3 + HASHES_AT_ONCE - 1
    assert {answer.status_code for answer in answers} == {401, 429}


async def test_an_inactive_account_is_told_so_by_the_right_password_only(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await make_user(app.state.database, email="ada@example.com", is_active=False)

    assert (await log_in(client, "wrong password", email="ada@example.com")).status_code == 401
    answer = await log_in(client, email="ada@example.com")
    assert answer.status_code == 403
    assert "inactive" in answer.json()["detail"]


async def test_an_account_that_waits_for_approval_does_not_get_in(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com", is_approved=False)

    assert (await log_in(client, email="ada@example.com")).status_code == 403


async def test_an_unverified_account_gets_in_and_can_do_nothing(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com", is_verified=False)

    tokens = (await log_in(client, email="ada@example.com")).json()

    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get("/api/v1/auth/me", headers=headers)).json()["is_verified"] is False
    assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 403
    assert (await client.get("/api/v1/jobs", headers=headers)).status_code == 403


async def test_an_old_hash_is_renewed(app: FastAPI, client: httpx.AsyncClient) -> None:
    user = await make_user(app.state.database, email="ada@example.com")
    weak = argon2.using(type="ID", memory_cost=1024, time_cost=1, parallelism=1).hash(PASSWORD)
    async with unit_of_work(app.state.database) as session:
        (await users.get_locked(session, user.id)).password_hash = weak

    await log_in(client, email="ada@example.com")

    async with read_only(app.state.database) as session:
        stored = (await users.get_user(session, user.id)).password_hash
    assert stored != weak
    assert not needs_rehash(stored)
    assert (await log_in(client, email="ada@example.com")).status_code == 200


async def test_the_login_is_noted(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com")

    first = (await log_in(client, email="ada@example.com")).json()["user"]
    second = (await log_in(client, email="ada@example.com")).json()["user"]

    assert first["created_at"] < first["last_login_at"] < second["last_login_at"]
    assert second["updated_at"] == first["updated_at"]


async def test_by_form(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, Role.ADMIN, email="ada@example.com")

    form = {"grant_type": "password", "username": "Ada@example.com", "password": PASSWORD, "scope": "", "client_id": ""}
    answer = await client.post("/api/v1/auth/token", data=form)

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}


async def test_by_form_as_the_documentation_page_sends_it(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Swagger's "Authorize" names an empty OAuth client by Basic authentication."""
    await make_user(app.state.database, email="ada@example.com")

    form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
    headers = {"Authorization": "Basic Og==", "X-Requested-With": "XMLHttpRequest"}
    answer = await client.post("/api/v1/auth/token", data=form, headers=headers)

    assert answer.status_code == 200


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"username": "ada@example.com", "password": "wrong password"}, 401),
        ({"username": "ada@example.com"}, 422),
        ({"username": "a\x00b", "password": PASSWORD}, 422),
        ({"username": "ada@example.com", "password": "nul\x00"}, 422),
        ({"username": "ada@example.com", "password": "x" * 100_000}, 422),
        ({"username": "ada@example.com", "password": PASSWORD, "scope": "everything"}, 422),
        ({"username": "ada@example.com", "password": PASSWORD, "cookie": "true"}, 422),
        ({"grant_type": "client_credentials", "username": "ada@example.com", "password": PASSWORD}, 422),
    ],
)
async def test_by_form_refused(app: FastAPI, client: httpx.AsyncClient, form: dict[str, str], status: int) -> None:
    await make_user(app.state.database, email="ada@example.com")

    assert (await client.post("/api/v1/auth/token", data=form)).status_code == status


async def test_a_login_says_nothing_to_other_sessions(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, email="ada@example.com")

    await log_in(client, email="ada@example.com")

    assert (await client.get("/api/v1/auth/me", headers=ada.headers)).status_code == 200
