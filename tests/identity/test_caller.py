"""Who calls, before anybody asks."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request

from stationmaster.identity.actor import Role
from stationmaster.identity.caller import Caller, find_caller
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_key, make_person

pytestmark = ONLY_SQLITE


def connect(app: FastAPI, *, kind: str = "http", host: str | None = "203.0.113.7", **headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {
        "type": kind, "method": "GET", "path": "/api/v1/jobs", "headers": raw, "query_string": b"", "app": app,
        "client": (host, 1) if host is not None else None, "state": {},
    }  # fmt: skip
    return Request(scope) if kind == "http" else HTTPConnection(scope)


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app, Role.USER)


async def test_a_person_is_known_by_id_wherever_from(app: FastAPI, ada: Person) -> None:
    caller = await find_caller(connect(app, **ada.headers))

    assert caller.budget == caller.owner == f"user:{ada.id}"


async def test_an_api_key_has_a_budget_of_its_own(app: FastAPI, ada: Person) -> None:
    key, headers = await make_key(app, ada.user)

    assert (await find_caller(connect(app, **headers))).budget == f"api_key:{key.id}"


@pytest.mark.parametrize(
    ("host", "budget"),
    [
        ("203.0.113.7", "ip:203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "ip:2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "ip:2001:db8:1:2::/64"),
        ("", "ip:unknown"),
        (None, "ip:unknown"),
    ],
)
async def test_a_stranger_is_known_by_address(app: FastAPI, host: str | None, budget: str) -> None:
    assert (await find_caller(connect(app, host=host))).budget == budget


async def test_credentials_that_do_not_count_make_a_stranger(app: FastAPI) -> None:
    plain, false = await find_caller(connect(app)), await find_caller(connect(app, Authorization="Bearer x"))

    assert false.actor is None
    assert plain.budget == false.budget
    assert plain.owner != false.owner


async def test_of_a_websocket_the_address_is_known(app: FastAPI) -> None:
    assert await find_caller(connect(app, kind="websocket")) == Caller("203.0.113.7")


async def test_it_is_asked_once(app: FastAPI, ada: Person) -> None:
    connection = connect(app, **ada.headers)
    first = await find_caller(connection)

    assert await find_caller(connection) is first
    assert connection.state.actor is first.actor


async def test_a_key_counts_its_use_once_for_each_call(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    _key, headers = await make_key(app, ada.user)
    await client.get("/api/v1/jobs", headers=headers)
    me = await client.get("/api/v1/auth/me", headers=headers)

    assert me.json()["usage_count"] == 2
