"""One's own account."""

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from tests.support.databases import ONLY_SQLITE
from tests.support.mails import read_kinds, read_mails
from tests.support.people import PASSWORD, make_key, make_person, make_user

ME = "/api/v1/users/me"
AUTH = "/api/v1/auth"
NEW_PASSWORD = "eight silent semaphores"


async def test_reads(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, Role.VIEWER, name="Ada")

    assert (await client.get(ME, headers=ada.headers)).json()["name"] == "Ada"


async def test_a_key_reads_its_owners(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)

    assert (await client.get(ME, headers=key)).json()["id"] == str(ada.id)


async def test_changes_the_profile(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, country="France")

    change = {"name": "Augusta", "username": "Countess", "institution": "Analytical Engines", "country": None}
    answer = await client.patch(ME, json=change, headers=ada.headers)

    assert answer.status_code == 200
    assert {field: answer.json()[field] for field in change} == change
    assert (await client.get(f"{AUTH}/me", headers=ada.headers)).json()["name"] == "Augusta"


@ONLY_SQLITE
@pytest.mark.parametrize(
    "change",
    [
        {"role": "superadmin"},
        {"is_active": True},
        {"is_verified": True},
        {"password": NEW_PASSWORD},
        {"name": None},
        {"name": " "},
        {"username": "a@b"},
        {"email": "new@example.com"},
        {"email": "no address", "current_password": PASSWORD},
    ],
)
async def test_changes_nothing_else(app: FastAPI, client: httpx.AsyncClient, change: dict[str, object]) -> None:
    ada = await make_person(app)

    assert (await client.patch(ME, json=change, headers=ada.headers)).status_code == 422


async def test_a_taken_user_name(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    await make_user(app.state.database, username="taken")

    assert (await client.patch(ME, json={"username": "Taken"}, headers=ada.headers)).status_code == 409


async def test_a_new_address_counts_when_it_is_proven(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, email="old@example.com")

    change = {"email": "New@example.com", "current_password": PASSWORD}
    before = await client.patch(ME, json=change, headers=ada.headers)
    (letter,) = await read_mails(app, "new@example.com")
    verified = await client.post(f"{AUTH}/verify-email", json={"token": letter.token})

    assert before.json()["email"] == "old@example.com"
    assert verified.json()["email"] == "new@example.com"
    assert (await client.get(ME, headers=ada.headers)).json()["email"] == "new@example.com"
    assert await read_kinds(app, "old@example.com") == ["email_change_requested", "email_changed"]


async def test_a_taken_address_is_told_to_nobody(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    await make_user(app.state.database, email="taken@example.com")

    change = {"email": "taken@example.com", "current_password": PASSWORD}
    answer = await client.patch(ME, json=change, headers=ada.headers)

    assert answer.status_code == 200
    assert await read_mails(app) == []


async def test_an_address_taken_meanwhile(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    await client.patch(ME, json={"email": "new@example.com", "current_password": PASSWORD}, headers=ada.headers)
    (letter,) = await read_mails(app, "new@example.com")
    await make_user(app.state.database, email="new@example.com")

    assert (await client.post(f"{AUTH}/verify-email", json={"token": letter.token})).status_code == 409


async def test_changes_the_password(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, email="ada@example.com")

    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = await client.post(f"{ME}/change-password", json=body, headers=ada.headers)

    login = await client.post(f"{AUTH}/login", json={"email": "ada@example.com", "password": NEW_PASSWORD})
    assert (answer.status_code, login.status_code) == (204, 200)
    assert (await client.get(ME, headers=ada.headers)).status_code == 401
    assert await read_kinds(app) == ["password_changed"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/change-password", {"new_password": NEW_PASSWORD}),
        ("PATCH", "", {"email": "new@example.com"}),
        ("DELETE", "", {}),
    ],
)
async def test_needs_the_current_password(
    app: FastAPI, client: httpx.AsyncClient, method: str, path: str, body: dict[str, str]
) -> None:
    ada = await make_person(app)

    async def call(**password: str) -> int:
        answer = await client.request(method, ME + path, json={**body, **password}, headers=ada.headers)
        return answer.status_code

    assert await call() == 422
    assert [await call(current_password="wrong password") for _ in range(6)] == [403] * 5 + [429]
    assert await call(current_password=PASSWORD) == 429
    assert await read_mails(app) == []


async def test_refuses_a_weak_new_password(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, username="countess")

    body = {"current_password": PASSWORD, "new_password": "countess2026"}
    answer = await client.post(f"{ME}/change-password", json=body, headers=ada.headers)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/new_password")


async def test_deletes(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, email="ada@example.com")
    _, key = await make_key(app, ada.user)

    answer = await client.request("DELETE", ME, json={"current_password": PASSWORD}, headers=ada.headers)

    login = await client.post(f"{AUTH}/login", json={"email": "ada@example.com", "password": PASSWORD})
    statuses = [(await client.get(f"{AUTH}/me", headers=each)).status_code for each in (ada.headers, key)]
    assert (answer.status_code, login.status_code, statuses) == (204, 401, [401, 401])


async def test_the_last_superadmin_stays(app: FastAPI, client: httpx.AsyncClient) -> None:
    root = await make_person(app, Role.SUPERADMIN)

    answer = await client.request("DELETE", ME, json={"current_password": PASSWORD}, headers=root.headers)

    assert answer.status_code == 409


async def test_a_key_does_not_act_on_the_account(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)

    assert (await client.patch(ME, json={"name": "Key"}, headers=key)).status_code == 403
    body = {"current_password": PASSWORD}
    assert (await client.request("DELETE", ME, json=body, headers=key)).status_code == 403


@ONLY_SQLITE
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_anonymous(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, ME, json={} if method != "GET" else None)).status_code == 401
