"""Logging out, and asking who one is."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.domains.auth.access_tokens import AccessTokens, Claims
from stationmaster.identity.actor import Role
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_key, make_person

AUTH = "/api/v1/auth"


async def is_alive(client: httpx.AsyncClient, person: Person) -> bool:
    return (await client.get(f"{AUTH}/me", headers=person.headers)).status_code == 200


@pytest.mark.parametrize("path", ["me", "verify"])
async def test_says_who_calls(app: FastAPI, client: httpx.AsyncClient, path: str) -> None:
    ada = await make_person(app, Role.ADMIN, name="ada")

    answer = await client.get(f"{AUTH}/{path}", headers=ada.headers)

    assert answer.json() == {
        "kind": "user",
        "id": str(ada.id),
        "user_id": str(ada.id),
        "name": "ada",
        "email": "ada@example.com",
        "role": "admin",
        "is_verified": True,
        "session_id": str(ada.grant.session_id),
        "scopes": None,
        "usage_count": None,
        "last_used_at": None,
        "csrf_token": None,
    }


@ONLY_SQLITE
@pytest.mark.parametrize("path", ["me", "verify", "usage-stats"])
async def test_anonymous(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"{AUTH}/{path}")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@ONLY_SQLITE
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer rubbish"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": ""},
        {"X-API-Key": ""},
        {"X-API-Key": "rubbish"},
    ],
)
async def test_wrong_credentials_are_not_taken_for_none(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.get(f"{AUTH}/me", headers=headers)).status_code == 401


async def test_two_credentials_at_once(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)

    assert (await client.get(f"{AUTH}/me", headers=ada.headers | key)).status_code == 401


@pytest.mark.parametrize("body", [{}, {"json": {}}])
async def test_logout_by_bearer(app: FastAPI, client: httpx.AsyncClient, body: dict[str, object]) -> None:
    ada = await make_person(app)

    answer = await client.post(f"{AUTH}/logout", headers=ada.headers, **body)  # type: ignore[arg-type]

    assert answer.status_code == 204
    assert not await is_alive(client, ada)
    assert (await client.post(f"{AUTH}/refresh", json={"refresh_token": ada.grant.refresh_token})).status_code == 401


async def test_logout_by_refresh_token(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    answer = await client.post(f"{AUTH}/logout", json={"refresh_token": ada.grant.refresh_token})

    assert answer.status_code == 204
    assert not await is_alive(client, ada)


async def test_logout_with_an_access_token_whose_time_is_over(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    secret = app.state.settings.secret_key.get_secret_value()
    late = AccessTokens(secret, timedelta(hours=-1)).issue(Claims(ada.id, ada.grant.session_id))

    answer = await client.post(f"{AUTH}/logout", headers={"Authorization": f"Bearer {late}"})

    assert answer.status_code == 204
    assert not await is_alive(client, ada)


async def test_an_access_token_is_no_refresh_token(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    access_token = ada.headers["Authorization"].removeprefix("Bearer ")

    answer = await client.post(f"{AUTH}/refresh", json={"refresh_token": access_token})

    assert answer.status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer rubbish"}])
async def test_logout_of_nothing(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post(f"{AUTH}/logout", headers=headers, json={"refresh_token": "rubbish"})

    assert answer.status_code == 204


async def test_logout_of_one_session_leaves_the_others(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada, bob = await make_person(app), await make_person(app)

    await client.post(f"{AUTH}/logout", headers=ada.headers)

    assert await is_alive(client, bob)


async def test_logout_everywhere(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, email="ada@example.com")
    from_login = await client.post(
        f"{AUTH}/login", json={"email": "ada@example.com", "password": "seven silent semaphores"}
    )
    bob = await make_person(app)

    answer = await client.post(f"{AUTH}/logout-all", headers=ada.headers)

    assert answer.status_code == 204
    assert not await is_alive(client, ada)
    headers = {"Authorization": f"Bearer {from_login.json()['access_token']}"}
    assert (await client.get(f"{AUTH}/me", headers=headers)).status_code == 401
    assert await is_alive(client, bob)


async def test_a_key_does_not_log_its_owner_out(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)

    assert (await client.post(f"{AUTH}/logout-all", headers=key)).status_code == 403
    assert await is_alive(client, ada)
