"""Categories and teams over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.domains.taxonomy.models import GENERAL_ID
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_person
from tests.support.work import TARGET, faults

CATEGORIES = "/api/v1/job-categories"
TEAMS = "/api/v1/teams"
BOTH = pytest.mark.parametrize("path", [CATEGORIES, TEAMS])


@pytest.fixture
async def boss(app: FastAPI) -> Person:
    return await make_person(app, Role.ADMIN)


@pytest.fixture
async def viewer(app: FastAPI) -> Person:
    return await make_person(app, Role.VIEWER)


async def make(client: httpx.AsyncClient, boss: Person, path: str, **facts: Any) -> dict[str, Any]:
    answer = await client.post(path, json={"name": "Night shift"} | facts, headers=boss.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def list_slugs(client: httpx.AsyncClient, person: Person, path: str, query: str = "") -> list[str]:
    answer = await client.get(path + query, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json()["items"]]


@BOTH
async def test_creates_and_shows(client: httpx.AsyncClient, boss: Person, viewer: Person, path: str) -> None:
    answer = await client.post(path, json={"name": "DR Testing"}, headers=boss.headers)

    shown = await client.get(answer.headers["location"], headers=viewer.headers)
    assert (201, "dr-testing", True) == (answer.status_code, answer.json()["slug"], answer.json()["is_active"])
    assert answer.json() == shown.json()


@BOTH
async def test_a_slug_is_taken_once(client: httpx.AsyncClient, boss: Person, path: str) -> None:
    made = await make(client, boss, path)
    other = await make(client, boss, path, name="Other")

    again = await client.post(path, json={"name": "night SHIFT!"}, headers=boss.headers)
    renamed = await client.patch(f"{path}/{other['id']}", json={"name": "Night-shift"}, headers=boss.headers)
    itself = await client.patch(f"{path}/{made['id']}", json={"name": "NIGHT shift"}, headers=boss.headers)

    assert [409, 409, 200] == [again.status_code, renamed.status_code, itself.status_code]
    assert "already-exists" in again.json()["type"]


@BOTH
async def test_deleting_switches_off(client: httpx.AsyncClient, boss: Person, viewer: Person, path: str) -> None:
    made = await make(client, boss, path)
    before = await list_slugs(client, viewer, path)

    deleted = await client.delete(f"{path}/{made['id']}", headers=boss.headers)

    assert 204 == deleted.status_code
    assert ["night-shift"] == sorted(set(before) - set(await list_slugs(client, viewer, path)))
    assert sorted(before) == sorted(await list_slugs(client, boss, path, "?include_inactive=true"))
    assert (await client.get(f"{path}/{made['id']}", headers=viewer.headers)).json()["is_active"] is False
    await client.patch(f"{path}/{made['id']}", json={"is_active": True}, headers=boss.headers)
    assert sorted(before) == sorted(await list_slugs(client, viewer, path))


@ONLY_SQLITE
@BOTH
async def test_only_admins_write_and_see_what_is_off(
    app: FastAPI, client: httpx.AsyncClient, viewer: Person, path: str
) -> None:
    user = await make_person(app)

    anonymous = [await client.get(path), await client.post(path, json={"name": "x"})]
    refused = [
        await client.post(path, json={"name": "x"}, headers=user.headers),
        await client.get(f"{path}?include_inactive=true", headers=viewer.headers),
    ]

    assert [401, 401] == [answer.status_code for answer in anonymous]
    assert [403, 403] == [answer.status_code for answer in refused]


@ONLY_SQLITE
@BOTH
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, boss: Person, path: str) -> None:
    place = f"{path}/{uuid4()}"

    answers = [
        await client.get(place, headers=boss.headers),
        await client.patch(place, json={"is_active": True}, headers=boss.headers),
        await client.delete(place, headers=boss.headers),
    ]

    assert [404, 404, 404] == [answer.status_code for answer in answers]


@ONLY_SQLITE
@BOTH
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["/name"]),
        ({"name": ""}, ["/name"]),
        ({"name": "!?"}, ["/name"]),
        ({"name": "x", "slug": "y"}, ["/slug"]),
        ({"name": "x", "is_active": "yes"}, ["/is_active"]),
        ({"name": None}, ["/name"]),
    ],
)
async def test_names_the_wrong_field(
    client: httpx.AsyncClient, boss: Person, path: str, body: dict[str, Any], fields: list[str]
) -> None:
    assert fields == faults(await client.post(path, json=body, headers=boss.headers))


@ONLY_SQLITE
@BOTH
async def test_a_change_of_what_has_changed_since_is_refused(
    client: httpx.AsyncClient, boss: Person, path: str
) -> None:
    made = await client.post(path, json={"name": "x"}, headers=boss.headers)
    place, tag = made.headers["location"], {"If-Match": made.headers["etag"]}
    await client.patch(place, json={"name": "y"}, headers=boss.headers)

    stale = await client.patch(place, json={"name": "z"}, headers=boss.headers | tag)

    assert 412 == stale.status_code


async def test_general_is_there_and_stays(client: httpx.AsyncClient, boss: Person) -> None:
    place = f"{CATEGORIES}/{GENERAL_ID}"

    renamed = await client.patch(place, json={"name": "Special"}, headers=boss.headers)
    deleted = await client.delete(place, headers=boss.headers)

    assert [409, 409] == [renamed.status_code, deleted.status_code]
    assert ["general"] == await list_slugs(client, boss, CATEGORIES)


async def test_members_are_people(app: FastAPI, client: httpx.AsyncClient, boss: Person, viewer: Person) -> None:
    team = await make(client, boss, TEAMS, slack_handle="@nights", members=[str(viewer.id), str(boss.id)])
    place = f"{TEAMS}/{team['id']}"

    changed = await client.patch(place, json={"members": [str(boss.id)]}, headers=boss.headers)
    wrong = await client.patch(place, json={"members": [str(boss.id), str(uuid4())]}, headers=boss.headers)
    cleared = await client.patch(place, json={"slack_handle": None}, headers=boss.headers)

    assert (sorted([str(viewer.id), str(boss.id)]), "@nights") == (team["members"], team["slack_handle"])
    assert [str(boss.id)] == changed.json()["members"] == cleared.json()["members"]
    assert ["/members/1"] == faults(wrong)
    assert cleared.json()["slack_handle"] is None
    assert [str(boss.id)] in [
        item["members"] for item in (await client.get(TEAMS, headers=boss.headers)).json()["items"]
    ]


async def test_renaming_keeps_jobs(client: httpx.AsyncClient, boss: Person) -> None:
    name = f"job-{new_id().hex}"
    category, team = await make(client, boss, CATEGORIES), await make(client, boss, TEAMS)
    body = {"name": name, "target": TARGET, "category": "Night shift", "team": "night-shift"}
    job = (await client.post("/api/v1/jobs", json=body, headers=boss.headers)).json()

    for path, label in ((CATEGORIES, category), (TEAMS, team)):
        await client.patch(f"{path}/{label['id']}", json={"name": "Early shift"}, headers=boss.headers)

    shown = (await client.get(f"/api/v1/jobs/{job['id']}", headers=boss.headers)).json()
    assert ("night-shift", "night-shift") == (job["category"], job["team"])
    assert ("early-shift", "early-shift") == (shown["category"], shown["team"])
