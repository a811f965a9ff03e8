"""What superadmins see of the limits, and can do."""

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from tests.support.people import Person, make_key, make_person

STATUS = "/api/v1/rate-limits/status"
RESET = "/api/v1/rate-limits/reset"


@pytest.fixture
async def root(app: FastAPI) -> Person:
    return await make_person(app, Role.SUPERADMIN)


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app, Role.USER)


@pytest.mark.parametrize(("method", "path"), [("GET", STATUS), ("POST", RESET)])
async def test_it_is_for_superadmins(app: FastAPI, client: httpx.AsyncClient, method: str, path: str) -> None:
    admin = await make_person(app, Role.ADMIN)
    anonymous = await client.request(method, path)
    refused = await client.request(method, path, headers=admin.headers)

    assert (anonymous.status_code, refused.status_code) == (401, 403)


async def test_the_status_names_who_is_counted(
    app: FastAPI, client: httpx.AsyncClient, root: Person, ada: Person
) -> None:
    key, headers = await make_key(app, ada.user)
    for credentials in (ada.headers, ada.headers, headers, {}):
        await client.get("/api/v1/auth/me", headers=credentials)
    status = (await client.get(STATUS, headers=root.headers)).json()
    by_kind = {limit["type"]: limit for limit in status["active_limits"]}

    assert (status["enabled"], status["storage_type"], status["total_active_limits"]) == (True, "memory", 3)
    info = {"id": str(ada.id), "email": ada.user.email, "name": ada.user.name, "role": "user"}
    assert by_kind["user"] == {
        "key": f"general:user:{ada.id}",
        "type": "user",
        "identifier": str(ada.id),
        "current_count": 2,
        "limit": 1200,
        "time_window_seconds": 60,
        "user_info": info,
    }
    assert (by_kind["api_key"]["identifier"], by_kind["api_key"]["user_info"]) == (str(key.id), info)
    assert (by_kind["ip"]["identifier"], by_kind["ip"]["user_info"]) == ("127.0.0.1", None)


async def test_who_is_gone_is_still_counted(app: FastAPI, client: httpx.AsyncClient, root: Person, ada: Person) -> None:
    await client.get("/api/v1/auth/me", headers=ada.headers)
    await client.delete(f"/api/v1/users/{ada.id}", headers=root.headers)
    status = (await client.get(STATUS, headers=root.headers)).json()

    assert [limit["user_info"] for limit in status["active_limits"]] == [None]


async def test_a_reset_forgets_everybody(client: httpx.AsyncClient, root: Person, ada: Person) -> None:
    await client.get("/api/v1/auth/me", headers=ada.headers)
    await client.get("/api/v1/auth/me")
    answer = await client.post(RESET, headers=root.headers)
    status = (await client.get(STATUS, headers=root.headers)).json()

    assert (answer.status_code, answer.json()) == (200, {"cleared": 2})
    assert status["active_limits"] == []


async def test_a_reset_can_name_one(client: httpx.AsyncClient, root: Person, ada: Person) -> None:
    await client.get("/api/v1/auth/me", headers=ada.headers)
    await client.get("/api/v1/auth/me")
    answer = await client.post(RESET, json={"key": f"general:user:{ada.id}"}, headers=root.headers)
    status = (await client.get(STATUS, headers=root.headers)).json()

    assert answer.json() == {"cleared": 1}
    assert [limit["type"] for limit in status["active_limits"]] == ["ip"]


async def test_a_reset_of_nobody_is_not_found(client: httpx.AsyncClient, root: Person) -> None:
    answer = await client.post(RESET, json={"key": "general:ip:203.0.113.7"}, headers=root.headers)

    assert answer.status_code == 404
