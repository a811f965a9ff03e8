"""Whom a script is open to, over HTTP: it is public, or open to a list, or its owner's alone."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_person

SCRIPT = "/api/v1/scripts/hello"
ACCESS = f"{SCRIPT}/access"


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Person:
    person = await make_person(app)
    body = {"name": "hello", "source": "print()"}
    await client.post("/api/v1/scripts", json=body, headers=person.headers)
    return person


@pytest.fixture
async def bob(app: FastAPI) -> Person:
    return await make_person(app)


async def read(client: httpx.AsyncClient, by: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(ACCESS, headers=by.headers)).json()
    return found


async def test_is_its_owners_alone_at_first(client: httpx.AsyncClient, ada: Person) -> None:
    assert await read(client, ada) == {
        "access_type": "owner_only",
        "public": False,
        "restricted": False,
        "allowed_roles": [],
        "allowed_users": [],
    }


async def test_lists_are_replaced(client: httpx.AsyncClient, ada: Person, bob: Person) -> None:
    await client.put(f"{ACCESS}/roles", json={"roles": ["admin", "user"]}, headers=ada.headers)
    answer = await client.put(f"{ACCESS}/users", json={"users": [str(bob.id)]}, headers=ada.headers)
    less = await client.put(f"{ACCESS}/roles", json={"roles": []}, headers=ada.headers)

    assert (answer.json()["allowed_roles"], answer.json()["allowed_users"]) == (["admin", "user"], [str(bob.id)])
    assert (less.json()["allowed_roles"], less.json()["access_type"]) == ([], "restricted")


async def test_one_is_added_and_taken_off(client: httpx.AsyncClient, ada: Person, bob: Person) -> None:
    paths = (f"{ACCESS}/users/{bob.id}", f"{ACCESS}/roles/user")
    added = [(await client.post(path, headers=ada.headers)).json() for path in (*paths, *paths)]
    removed = [(await client.delete(path, headers=ada.headers)).json() for path in paths]

    assert added[-1] == with_lists(added[-1], ["user"], [str(bob.id)])
    assert removed[0]["access_type"] == "restricted"
    assert removed[1] == with_lists(removed[1], [], [])
    assert removed[1]["access_type"] == "owner_only"


def with_lists(shown: dict[str, Any], roles: list[str], users: list[str]) -> dict[str, Any]:
    return shown | {"allowed_roles": roles, "allowed_users": users}


async def test_public_and_listed_exclude_each_other(client: httpx.AsyncClient, ada: Person, bob: Person) -> None:
    await client.post(f"{ACCESS}/users/{bob.id}", headers=ada.headers)
    await client.post(f"{SCRIPT}/publish", headers=ada.headers)
    published = await read(client, ada)
    await client.delete(f"{ACCESS}/users/{bob.id}", headers=ada.headers)
    still = await read(client, ada)
    await client.post(f"{ACCESS}/roles/user", headers=ada.headers)
    listed = await read(client, ada)

    assert (published["access_type"], published["allowed_users"]) == ("public", [])
    assert still["access_type"] == "public"
    assert (listed["access_type"], listed["public"]) == ("restricted", False)


async def test_is_closed_again(client: httpx.AsyncClient, ada: Person) -> None:
    for path in ("/publish", "/unpublish"):
        await client.post(f"{SCRIPT}{path}", headers=ada.headers)
    unpublished = await read(client, ada)
    await client.post(f"{ACCESS}/roles/user", headers=ada.headers)

    cleared = await client.delete(ACCESS, headers=ada.headers)

    assert cleared.status_code == 204
    assert [unpublished["access_type"], (await read(client, ada))["access_type"]] == ["owner_only", "owner_only"]


async def test_is_changed_only_as_it_was_read(client: httpx.AsyncClient, ada: Person, bob: Person) -> None:
    etag = (await client.get(ACCESS, headers=ada.headers)).headers["etag"]
    await client.post(f"{ACCESS}/users/{bob.id}", headers=ada.headers)

    answer = await client.put(f"{ACCESS}/roles", json={"roles": []}, headers=ada.headers | {"If-Match": etag})

    assert answer.status_code == 412


async def test_users_must_be_there(client: httpx.AsyncClient, ada: Person) -> None:
    listed = await client.put(f"{ACCESS}/users", json={"users": [str(ada.id), str(new_id())]}, headers=ada.headers)
    added = await client.post(f"{ACCESS}/users/{new_id()}", headers=ada.headers)

    assert (listed.status_code, listed.json()["errors"][0]["pointer"]) == (422, "/users/1")
    assert added.status_code == 404


@ONLY_SQLITE
async def test_only_its_owner_opens_it(client: httpx.AsyncClient, ada: Person, bob: Person) -> None:
    hidden = await client.post(f"{SCRIPT}/publish", headers=bob.headers)
    await client.post(f"{ACCESS}/users/{bob.id}", headers=ada.headers)
    refused = await client.post(f"{SCRIPT}/publish", headers=bob.headers)

    assert (hidden.status_code, refused.status_code) == (404, 403)
    assert (await client.get(ACCESS, headers=bob.headers)).status_code == 403
    assert (await client.get(ACCESS)).status_code == 401


@ONLY_SQLITE
@pytest.mark.parametrize("role", ["root", "USER", ""])
async def test_roles_are_ours(client: httpx.AsyncClient, ada: Person, role: str) -> None:
    answer = await client.put(f"{ACCESS}/roles", json={"roles": [role]}, headers=ada.headers)

    assert answer.status_code == 422
