"""Accounts over HTTP, for those who manage them."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_SQLITE
from tests.support.people import PASSWORD, Person, make_person, make_user

USERS = "/api/v1/users"
NEW: dict[str, Any] = {
    "email": "Grace@Example.com",
    "username": "grace",
    "name": "Grace Hopper",
    "password": PASSWORD,
    "role": "viewer",
    "country": "United States",
    "institution": "Navy",
}


@pytest.fixture
async def admin(app: FastAPI) -> Person:
    return await make_person(app, Role.ADMIN)


@pytest.fixture
async def superadmin(app: FastAPI) -> Person:
    return await make_person(app, Role.SUPERADMIN)


async def test_creates(client: httpx.AsyncClient, admin: Person) -> None:
    answer = await client.post(USERS, json=NEW, headers=admin.headers)

    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{USERS}/{made['id']}"
    assert {field: made[field] for field in ("email", "username", "name", "role", "is_verified", "is_active")} == {
        "email": "grace@example.com",
        "username": "grace",
        "name": "Grace Hopper",
        "role": "viewer",
        "is_verified": True,
        "is_active": True,
    }
    login = await client.post("/api/v1/auth/login", json={"email": NEW["email"], "password": PASSWORD})
    assert login.status_code == 200


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("email", "a@x.org\r\nBcc: b@x.org"),
        ("username", "a@b"),
        ("username", "x" * 81),
        ("name", ""),
        ("name", "two\nlines"),
        ("name", "nul\x00"),
        ("password", "short"),
        ("password", "password1234"),
        ("password", "grace@example.com"),
        ("role", "root"),
        ("is_active", True),
        ("id", "0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e"),
        ("email_verified_at", "2026-11-21T08:30:00Z"),
        ("version", 7),
        ("password_hash", "x"),
    ],
)
async def test_names_the_wrong_field(client: httpx.AsyncClient, admin: Person, field: str, value: object) -> None:
    answer = await client.post(USERS, json={**NEW, field: value}, headers=admin.headers)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]


@pytest.mark.parametrize("field", ["email", "username"])
async def test_refuses_a_taken_name(client: httpx.AsyncClient, admin: Person, field: str) -> None:
    await client.post(USERS, json=NEW, headers=admin.headers)
    other = {**NEW, "email": "other@example.com", "username": "other"}

    answer = await client.post(USERS, json={**other, field: NEW[field].upper()}, headers=admin.headers)

    assert answer.status_code == 409


@ONLY_SQLITE
@pytest.mark.parametrize("role", ["admin", "superadmin"])
async def test_nobody_grants_above_what_they_manage(client: httpx.AsyncClient, admin: Person, role: str) -> None:
    answer = await client.post(USERS, json={**NEW, "role": role}, headers=admin.headers)

    assert answer.status_code == 403


async def test_lists_with_filters(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    gone = await make_user(app.state.database, Role.VIEWER, is_active=False)
    await make_user(app.state.database, Role.VIEWER)

    answer = await client.get(USERS, params={"role": "viewer", "is_active": "false"}, headers=admin.headers)

    assert [user["id"] for user in answer.json()["items"]] == [str(gone.id)]
    assert answer.headers["x-total-count"] == "1"


async def test_shows_no_secret(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    user = await make_user(app.state.database)

    shown = (await client.get(f"{USERS}/{user.id}", headers=admin.headers)).json()

    assert shown.keys().isdisjoint({"password", "password_hash", "version", "username_key"})


async def test_an_admin_changes_a_user(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    user = await make_user(app.state.database, Role.VIEWER)

    answer = await client.patch(
        f"{USERS}/{user.id}", json={"role": "user", "name": "Renamed", "country": None}, headers=admin.headers
    )

    assert answer.status_code == 200
    assert (answer.json()["role"], answer.json()["name"], answer.json()["country"]) == ("user", "Renamed", None)


@ONLY_SQLITE
@pytest.mark.parametrize("change", [{"name": None}, {"role": None}, {"is_active": None}, {"email": None}])
async def test_a_field_that_must_be_there_cannot_be_nulled(
    app: FastAPI, client: httpx.AsyncClient, admin: Person, change: dict[str, None]
) -> None:
    user = await make_user(app.state.database)

    assert (await client.patch(f"{USERS}/{user.id}", json=change, headers=admin.headers)).status_code == 422


@ONLY_SQLITE
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPERADMIN])
async def test_an_admin_does_not_touch_admins(
    app: FastAPI, client: httpx.AsyncClient, admin: Person, role: Role, method: str
) -> None:
    other = await make_user(app.state.database, role)

    body = {"name": "Mine"} if method == "PATCH" else None
    answer = await client.request(method, f"{USERS}/{other.id}", json=body, headers=admin.headers)

    assert answer.status_code == 403


async def test_an_admin_does_not_promote_oneself(client: httpx.AsyncClient, admin: Person) -> None:
    answer = await client.patch(f"{USERS}/{admin.id}", json={"role": "superadmin"}, headers=admin.headers)

    assert answer.status_code == 403


async def test_a_superadmin_changes_everyone(app: FastAPI, client: httpx.AsyncClient, superadmin: Person) -> None:
    other = await make_user(app.state.database, Role.SUPERADMIN)

    answer = await client.patch(f"{USERS}/{other.id}", json={"role": "admin"}, headers=superadmin.headers)

    assert answer.json()["role"] == "admin"


@pytest.mark.parametrize("change", [{"role": "admin"}, {"is_active": False}])
async def test_the_last_superadmin_stays(
    client: httpx.AsyncClient, superadmin: Person, change: dict[str, object]
) -> None:
    answer = await client.patch(f"{USERS}/{superadmin.id}", json=change, headers=superadmin.headers)

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/last-superadmin"


async def test_deletes_with_all_sessions(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    user = await make_person(app)

    answer = await client.delete(f"{USERS}/{user.id}", headers=admin.headers)

    assert answer.status_code == 204
    assert (await client.get("/api/v1/auth/me", headers=user.headers)).status_code == 401
    assert (await client.get(f"{USERS}/{user.id}", headers=admin.headers)).status_code == 404


async def test_deactivation_ends_sessions_for_good(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    user = await make_person(app)
    for is_active in (False, True):
        await client.patch(f"{USERS}/{user.id}", json={"is_active": is_active}, headers=admin.headers)

    assert (await client.get("/api/v1/auth/me", headers=user.headers)).status_code == 401


async def test_a_new_role_counts_at_once(app: FastAPI, client: httpx.AsyncClient, superadmin: Person) -> None:
    user = await make_person(app)
    before = await client.get(USERS, headers=user.headers)

    await client.patch(f"{USERS}/{user.id}", json={"role": "admin"}, headers=superadmin.headers)

    assert before.status_code == 403
    assert (await client.get(USERS, headers=user.headers)).status_code == 200


@ONLY_SQLITE
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.USER])
async def test_others_see_nobody(app: FastAPI, client: httpx.AsyncClient, role: Role, method: str) -> None:
    person = await make_person(app, role)

    body = {"name": "Mine"} if method == "PATCH" else None
    for user_id in (person.id, new_id()):
        answer = await client.request(method, f"{USERS}/{user_id}", json=body, headers=person.headers)
        assert answer.status_code == 403


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_not_there(client: httpx.AsyncClient, superadmin: Person, method: str) -> None:
    nobody: UUID = new_id()

    body = {"name": "Nobody"} if method == "PATCH" else None
    answer = await client.request(method, f"{USERS}/{nobody}", json=body, headers=superadmin.headers)

    assert answer.status_code == 404


async def test_anonymous(client: httpx.AsyncClient) -> None:
    assert (await client.get(USERS)).status_code == 401
