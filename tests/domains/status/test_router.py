"""The status log through the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.db.session import unit_of_work
from stationmaster.domains.status.models import StatusEntry
from stationmaster.domains.status.schemas import StatusOut
from stationmaster.identity.actor import Role
from tests.support.people import Person, make_person

PATH = "/api/v1/status"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIELDS = set(StatusOut.model_fields) - {"id", "timestamp"}


@pytest.fixture
async def admin(app: FastAPI) -> Person:
    """Sign an admin in; there are three entries, a day from each other."""
    async with unit_of_work(app.state.database) as session:
        for day in range(3):
            counted: dict[str, Any] = dict.fromkeys(FIELDS, day)
            session.add(StatusEntry(timestamp=NOON + timedelta(days=day), **counted))
    return await make_person(app, Role.ADMIN)


async def days(client: httpx.AsyncClient, admin: Person, **parameters: Any) -> list[int]:
    """Return which of the entries are listed."""
    answer = await client.get(PATH, params=parameters, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return [item["users_count"] for item in answer.json()["items"]]


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.USER, 403), (Role.ADMIN, 200)])
async def test_it_is_for_admins(app: FastAPI, client: httpx.AsyncClient, role: Role | None, status: int) -> None:
    headers = (await make_person(app, role)).headers if role else {}

    assert status == (await client.get(PATH, headers=headers)).status_code


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [2, 1, 0]),
        ({"sort": "timestamp"}, [0, 1, 2]),
        ({"sort": "-timestamp"}, [2, 1, 0]),
        ({"start_date": "2026-11-22"}, [2, 1]),
        ({"end_date": "2026-11-22"}, [1, 0]),
        ({"start_date": "2026-11-22T12:00:00Z", "end_date": "2026-11-23T12:00:00Z"}, [1]),
        ({"filter": "executions_active >= 1, timestamp < 2026-11-23"}, [1]),
        ({"size": 1, "page": 2}, [1]),
        ({"size": 2, "cursor": ""}, [2, 1]),
    ],
)
async def test_a_list_like_every_other(
    client: httpx.AsyncClient, admin: Person, parameters: dict[str, Any], expected: list[int]
) -> None:
    assert expected == await days(client, admin, **parameters)


async def test_fields_can_be_left_out(client: httpx.AsyncClient, admin: Person) -> None:
    answer = await client.get(PATH, params={"exclude": "id,users_count", "size": 1}, headers=admin.headers)

    assert FIELDS - {"users_count"} | {"timestamp"} == set(answer.json()["items"][0])
    assert "2026-11-23T12:00:00.000Z" == answer.json()["items"][0]["timestamp"]


@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "2026-11-23", "end_date": "2026-11-22"}, "end_date"),
        ({"sort": "mood"}, "sort"),
        ({"from": "2026-11-22"}, "from"),
    ],
)
async def test_wrong_parameters_are_named(
    client: httpx.AsyncClient, admin: Person, parameters: dict[str, Any], parameter: str
) -> None:
    answer = await client.get(PATH, params=parameters, headers=admin.headers)

    assert (422, [parameter]) == (answer.status_code, [error["parameter"] for error in answer.json()["errors"]])
