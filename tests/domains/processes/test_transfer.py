"""Processes in exports and imports."""

from typing import Any

import httpx
import pytest
import yaml
from dirty_equals import IsPartialDict
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from tests.support.people import Person, make_person
from tests.support.work import TARGET

JOBS = "/api/v1/jobs"
PROCESS: dict[str, Any] = {
    "name": "permits",
    "meta": {"kind": "building"},
    "retention_months": 12,
    "run_metadata_schema": {"applicant": {"type": "text", "personal": True}},
    "steps": [
        {"name": "receive", "description": "From outside"},
        {"name": "check", "target": TARGET, "retry": {"max_attempts": 3}},
        {"name": "file", "depends_on": ["receive", "check"], "run_if": "always", "is_optional": True},
    ],
}


@pytest.fixture
async def boss(app: FastAPI) -> Person:
    return await make_person(app, Role.ADMIN)


async def export(client: httpx.AsyncClient, boss: Person) -> str:
    answer = await client.get(f"{JOBS}/export", headers=boss.headers)
    assert answer.status_code == 200, answer.text
    return answer.text


async def send(client: httpx.AsyncClient, boss: Person, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{JOBS}/import", json=body, headers=boss.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def make(client: httpx.AsyncClient, boss: Person) -> str:
    answer = await client.post("/api/v1/processes", json=PROCESS, headers=boss.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_export_import_export_is_the_same_text(client: httpx.AsyncClient, boss: Person) -> None:
    id_ = await make(client, boss)
    first = await export(client, boss)

    same = await send(client, boss, text=first, mode="apply")
    await client.delete(f"/api/v1/processes/{id_}", headers=boss.headers)
    made = await send(client, boss, text=first, mode="apply")

    assert not same["has_drift"], same
    assert made["counts"] == IsPartialDict(create=1)
    assert first == await export(client, boss)


async def test_steps_become_as_the_document_says(client: httpx.AsyncClient, boss: Person) -> None:
    await make(client, boss)
    document = yaml.safe_load(await export(client, boss))
    [process] = document["processes"]
    receive, check, _ = process["steps"]
    process["meta"] = {}
    check |= {"depends_on": ["receive"], "description": "Again"}
    process["steps"] = [receive, {"name": "between"}, check, {"name": "end", "depends_on": ["check"]}]

    plan = await send(client, boss, document=document)
    done = await send(client, boss, document=document, mode="apply")
    again = await send(client, boss, text=await export(client, boss))

    assert [] == plan["errors"] == done["errors"]
    [change] = [one for one in done["changes"] if one["section"] == "processes"]
    assert ["meta", "steps"] == [field["field"] for field in change["fields"]]
    assert not again["has_drift"]
    exported = yaml.safe_load(await export(client, boss))["processes"]
    assert ["receive", "between", "check", "end"] == [step["name"] for step in exported[0]["steps"]]
