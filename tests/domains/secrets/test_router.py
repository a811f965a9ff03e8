"""Secrets over HTTP: they go in, they never come out."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.support.canary import dump
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_person
from tests.support.work import make_job

SECRETS = "/api/v1/secrets"
CANARY = "canary 7c1d, staple"


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


@pytest.fixture
async def bob(app: FastAPI) -> Person:
    return await make_person(app)


async def create(client: httpx.AsyncClient, by: Person, **facts: Any) -> httpx.Response:
    body = {"name": "WAREHOUSE", "value": CANARY} | facts
    return await client.post(SECRETS, json=body, headers=by.headers)


async def test_stores_and_never_shows(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    answer = await create(client, ada, description="The warehouse.")

    made = answer.json()
    shown = await client.get(answer.headers["location"], headers=ada.headers)
    listed = await client.get(SECRETS, headers=ada.headers)
    audited = await dump(app.state.database)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{SECRETS}/WAREHOUSE")
    assert made["owner_id"] == str(ada.id)
    assert (made["scripts"], made["jobs"], made["last_used_at"]) == ([], [], None)
    assert shown.json() == made == listed.json()["items"][0]
    assert not [text for text in (answer.text, shown.text, listed.text, audited) if "canary" in text]


async def test_its_owner_changes_what_it_is(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await create(client, ada, description="Old.")).json()

    changed = await client.put(f"{SECRETS}/WAREHOUSE", json={"description": "New."}, headers=ada.headers)

    assert changed.status_code == 200
    assert changed.json() == made | {"description": "New.", "updated_at": changed.json()["updated_at"]}


async def test_a_new_value_has_its_own_time(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await create(client, ada)).json()

    changed = await client.put(f"{SECRETS}/WAREHOUSE", json={"value": "another value"}, headers=ada.headers)

    assert changed.json()["value_set_at"] > made["value_set_at"]


async def test_is_granted_to_jobs(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    job = await make_job(app.state.database)

    made = (await create(client, ada, jobs=[str(job.id), str(job.id)])).json()
    revoked = await client.put(f"{SECRETS}/WAREHOUSE", json={}, headers=ada.headers)

    assert made["jobs"] == [str(job.id)]
    assert revoked.json()["jobs"] == []


@pytest.mark.parametrize("noun", ["jobs", "scripts"])
async def test_names_what_it_cannot_be_granted_to(client: httpx.AsyncClient, ada: Person, noun: str) -> None:
    answer = await create(client, ada, **{noun: [str(new_id())]})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{noun}/0"]


async def test_a_deleted_job_takes_its_grants_along(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    admin = await make_person(app, Role.ADMIN)
    job = await make_job(app.state.database)
    await create(client, ada, jobs=[str(job.id)])

    await client.delete(f"/api/v1/jobs/{job.id}", headers=admin.headers)

    assert (await client.get(f"{SECRETS}/WAREHOUSE", headers=ada.headers)).json()["jobs"] == []


async def test_is_gone_when_deleted(client: httpx.AsyncClient, ada: Person) -> None:
    await create(client, ada)

    deleted = await client.delete(f"{SECRETS}/WAREHOUSE", headers=ada.headers)

    assert deleted.status_code == 204
    assert (await client.get(f"{SECRETS}/WAREHOUSE", headers=ada.headers)).status_code == 404
    assert (await create(client, ada)).status_code == 201


async def test_a_name_is_taken_once(client: httpx.AsyncClient, ada: Person, bob: Person) -> None:
    await create(client, ada)

    assert (await create(client, bob)).status_code == 409


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_stranger_finds_nothing(client: httpx.AsyncClient, ada: Person, bob: Person, method: str) -> None:
    await create(client, ada)
    body: dict[str, Any] = {"json": {}} if method == "PUT" else {}

    foreign = await client.request(method, f"{SECRETS}/WAREHOUSE", headers=bob.headers, **body)
    absent = await client.request(method, f"{SECRETS}/ABSENT", headers=bob.headers, **body)

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.json()["detail"].replace("WAREHOUSE", "") == absent.json()["detail"].replace("ABSENT", "")


async def test_lists_own_ones_and_all_for_admins(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    admin = await make_person(app, Role.ADMIN)
    await create(client, ada)
    await create(client, bob, name="ARCHIVE")

    async def names(by: Person) -> list[str]:
        answer = await client.get(SECRETS, headers=by.headers)
        return [item["name"] for item in answer.json()["items"]]

    assert [await names(by) for by in (ada, bob, admin)] == [["WAREHOUSE"], ["ARCHIVE"], ["ARCHIVE", "WAREHOUSE"]]


async def test_is_changed_only_as_it_was_read(client: httpx.AsyncClient, ada: Person) -> None:
    etag = (await create(client, ada)).headers["etag"]
    headers = ada.headers | {"If-Match": etag}

    first = await client.put(f"{SECRETS}/WAREHOUSE", json={"description": "New."}, headers=headers)
    second = await client.put(f"{SECRETS}/WAREHOUSE", json={"description": "Newer."}, headers=headers)
    third = await client.delete(f"{SECRETS}/WAREHOUSE", headers=headers)

    assert (first.status_code, second.status_code, third.status_code) == (200, 412, 412)


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "1ST"),
        ("name", "WITH-DASH"),
        ("name", "X" * 101),
        ("name", "NEW\n"),
        ("value", "short"),
        ("value", "x" * 65_537),
        ("value", 12_345_678),
        ("value", "null byte\0"),
        ("jobs", ["not an id"]),
        ("owner_id", str(new_id())),
    ],
)
async def test_names_the_wrong_field(client: httpx.AsyncClient, ada: Person, field: str, value: object) -> None:
    answer = await create(client, ada, **{field: value})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{field}")
    assert json.dumps(value)[1:-1] not in answer.text or value == ""


@ONLY_SQLITE
@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403)])
async def test_viewers_keep_no_secrets(app: FastAPI, client: httpx.AsyncClient, role: Role | None, status: int) -> None:
    headers = (await make_person(app, role)).headers if role else {}

    assert (await client.get(SECRETS, headers=headers)).status_code == status
