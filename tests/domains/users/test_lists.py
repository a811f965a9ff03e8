"""The list of accounts: the list language, for administrators."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.domains.scripts import reading
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
        ({"include": "password_hash"}, "include"),
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


async def test_scripts_can_be_shown_beside_their_owners(client: httpx.AsyncClient, app: FastAPI, admin: Person) -> None:
    bob = await make_person(app, name="Boris")
    for name in ("first", "second"):
        await register(client, bob, name)
    items = (await get(client, admin, include="scripts")).json()["items"]
    shown = {item["name"]: [script["name"] for script in item["scripts"]] for item in items}
    [newest, _] = items[-1]["scripts"]
    whole = (await client.get(f"/api/v1/scripts/{newest['id']}", headers=bob.headers)).json()

    assert {"Ada": [], "Bob": [], "Cleo": [], "Root": [], "Boris": ["second", "first"]} == shown
    assert newest == {name: whole[name] for name in newest}


@ONLY_SQLITE
async def test_a_page_of_accounts_shows_the_newest_scripts_of_each(
    client: httpx.AsyncClient, app: FastAPI, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "OF_OWNER", 2)
    for person in [await make_person(app), await make_person(app)]:
        for name in "abc":
            await register(client, person, name)
    items = (await get(client, admin, include="scripts")).json()["items"]

    assert [["c", "b"], ["c", "b"]] == [[script["name"] for script in item["scripts"]] for item in items[-2:]]


@ONLY_SQLITE
async def test_the_scripts_of_a_page_cost_one_statement(client: httpx.AsyncClient, app: FastAPI, admin: Person) -> None:
    for person in [await make_person(app), await make_person(app)]:
        await register(client, person, "one")
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(app.state.database.reader.sync_engine, "before_cursor_execute", note)
    await get(client, admin, include="scripts")

    assert 1 == len([statement for statement in statements if "FROM scripts" in statement])


async def register(client: httpx.AsyncClient, owner: Person, name: str) -> None:
    answer = await client.post("/api/v1/scripts", json={"name": name, "source": "pass"}, headers=owner.headers)
    assert 201 == answer.status_code, answer.text
