"""The list of accounts: the list language, for administrators."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.domains.users.listing import USERS
from stationmaster.identity.actor import Role
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_person, make_user

HOSTILE = ["' OR 1=1 --", "x'; DROP TABLE users; --", "%' --", "\\", "$1", ":id", "{}"]


@pytest.fixture
async def admin(app: FastAPI) -> Person:
    """Store four accounts: Ada, Bob, Cleo and the administrator."""
    database = app.state.database
    await make_user(database, Role.USER, name="Ada", country="United Kingdom", username="ada")
    await make_user(database, Role.VIEWER, name="Bob", is_verified=False)
    await make_user(database, Role.USER, name="Cleo", is_active=False, institution="Analytical, Engines")
    return await make_person(app, Role.ADMIN, name="Root")


async def get(client: httpx.AsyncClient, admin: Person, **parameters: Any) -> httpx.Response:
    return await client.get("/api/v1/users", params=parameters, headers=admin.headers)


async def names(client: httpx.AsyncClient, admin: Person, **parameters: Any) -> list[str]:
    answer = await get(client, admin, **parameters)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["Ada", "Bob", "Cleo", "Root"]),
        ({"sort": "-created_at"}, ["Root", "Cleo", "Bob", "Ada"]),
        ({"sort": "role, -name"}, ["Root", "Cleo", "Ada", "Bob"]),
        ({"filter": "name like %b%"}, ["Bob"]),
        ({"filter": "email = ada@example.com"}, ["Ada"]),
        ({"filter": "username = ada"}, ["Ada"]),
        ({"filter": "role = user, is_active = true"}, ["Ada"]),
        ({"filter": "is_verified = false"}, ["Bob"]),
        ({"filter": "is_approved = true, role != admin"}, ["Ada", "Bob", "Cleo"]),
        ({"filter": "(country = null OR last_login_at != null)"}, ["Bob", "Cleo", "Root"]),
        ({"filter": 'institution = "Analytical, Engines"'}, ["Cleo"]),
        ({"filter": "created_at < 2020-01-01"}, []),
        ({"role": "user", "filter": "is_active = false"}, ["Cleo"]),
    ],
)
async def test_accounts_are_narrowed_and_sorted(
    client: httpx.AsyncClient, admin: Person, parameters: dict[str, str], expected: list[str]
) -> None:
    assert await names(client, admin, **parameters) == expected


@ONLY_SQLITE
async def test_fields_can_be_left_out(client: httpx.AsyncClient, admin: Person) -> None:
    whole = (await get(client, admin, filter="name = Ada")).json()["items"][0]
    part = (await get(client, admin, filter="name = Ada", exclude="email,country")).json()["items"][0]

    assert part == {name: value for name, value in whole.items() if name not in {"email", "country"}}
    assert whole == (await client.get(f"/api/v1/users/{whole['id']}", headers=admin.headers)).json()


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [
        ({"filter": "password_hash like %"}, "filter"),
        ({"filter": "version = 1"}, "filter"),
        ({"sort": "password_hash"}, "sort"),
        ({"exclude": "password_hash"}, "exclude"),
        ({"include": "scripts"}, "include"),
        ({"meta_filter": "a:b"}, "meta_filter"),
        ({"cursor": ""}, "cursor"),
    ],
)
async def test_what_is_not_offered_is_refused(
    client: httpx.AsyncClient, admin: Person, parameters: dict[str, str], parameter: str
) -> None:
    answer = await get(client, admin, **parameters)

    assert answer.status_code == 422, answer.text
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


async def test_no_text_breaks_out_of_a_field(client: httpx.AsyncClient, admin: Person) -> None:
    for field in (USERS.key, *USERS.fields):
        for text in HOSTILE:
            quoted = '"' + text.replace('"', '""') + '"'
            answer = await get(client, admin, filter=f"{field.name} = {quoted}")
            assert answer.status_code == 422 or answer.json()["items"] == []

    assert await names(client, admin) == ["Ada", "Bob", "Cleo", "Root"]
