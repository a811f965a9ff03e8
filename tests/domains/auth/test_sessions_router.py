"""One's own sessions."""

from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.db.session import unit_of_work
from stationmaster.domains.auth.models import UserSession
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.support.people import PASSWORD, make_key, make_person, sign_in

SESSIONS = "/api/v1/users/me/sessions"


async def test_lists_what_is_going_on(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    phone = await sign_in(app, ada.user)
    gone = await sign_in(app, ada.user)
    await make_person(app)
    await client.post("/api/v1/auth/logout", headers=gone.headers)

    answer = await client.get(SESSIONS, headers=phone.headers)

    shown = [(item["id"], item["is_current"]) for item in answer.json()["items"]]
    assert shown == [(str(phone.grant.session_id), True), (str(ada.grant.session_id), False)]
    assert answer.json()["items"][0].keys() == {
        "id", "created_at", "last_used_at", "expires_at", "device_info", "is_current"
    }  # fmt: skip


async def test_tells_devices_apart(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_person(app, email="ada@example.com")
    login = await client.post(
        "/api/v1/auth/login",
        json={"email": "ada@example.com", "password": PASSWORD},
        headers={"User-Agent": "Engine/1.0 " + "x" * 600},
    )

    headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
    newest = (await client.get(SESSIONS, headers=headers)).json()["items"][0]
    assert newest["device_info"].startswith("Engine/1.0 xxx")
    assert newest["device_info"].endswith("(127.0.0.1)")
    assert len(newest["device_info"]) <= 500


async def test_old_ones_are_not_listed(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    old = await sign_in(app, ada.user)
    async with unit_of_work(app.state.database) as session:
        past = sa.update(UserSession).where(sa.column("id") == old.grant.session_id)
        await session.execute(past.values(expires_at=clock.now() - timedelta(seconds=1)))

    assert (await client.get(SESSIONS, headers=ada.headers)).json()["total"] == 1


async def test_ends_one(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    phone = await sign_in(app, ada.user)
    path = f"{SESSIONS}/{phone.grant.session_id}"

    statuses = [(await client.delete(path, headers=ada.headers)).status_code for _ in range(2)]

    assert statuses == [204, 404]
    assert (await client.get(SESSIONS, headers=phone.headers)).status_code == 401
    assert (await client.get(SESSIONS, headers=ada.headers)).status_code == 200


async def test_ends_all(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    phone = await sign_in(app, ada.user)

    assert (await client.delete(SESSIONS, headers=ada.headers)).status_code == 204
    statuses = [(await client.get(SESSIONS, headers=each.headers)).status_code for each in (ada, phone)]
    assert statuses == [401, 401]


async def test_other_peoples_are_not_there(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada, bob = await make_person(app), await make_person(app)

    answers = [await client.delete(f"{SESSIONS}/{id_}", headers=ada.headers)
               for id_ in (bob.grant.session_id, new_id())]  # fmt: skip

    assert [answer.status_code for answer in answers] == [404, 404]
    assert (await client.get(SESSIONS, headers=bob.headers)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_anonymous_and_keys(app: FastAPI, client: httpx.AsyncClient, method: str) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)

    statuses = [(await client.request(method, SESSIONS, headers=headers)).status_code for headers in ({}, key)]

    assert statuses == [401, 403]
