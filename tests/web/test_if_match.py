"""`If-Match` on everything that has a tag: whoever saw it as it is may change it, whoever saw it as it was may not."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from tests.support.people import PASSWORD, Person, make_key, make_person
from tests.support.work import HOURLY, TARGET

API = "/api/v1"


@dataclass
class Editor:
    """Somebody who sees one object, and the changes that they make to it."""

    client: httpx.AsyncClient
    path: str
    headers: dict[str, str]
    tag: str
    changes: list[dict[str, Any]] = field(default_factory=list)
    method: str = "PATCH"

    async def change(self, number: int, tag: str | None = None) -> httpx.Response:
        demand = {"If-Match": self.tag if tag is None else tag}
        return await self.client.request(
            self.method, self.path, json=self.changes[number], headers=self.headers | demand
        )

    async def delete(self, tag: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self.client.request("DELETE", self.path, json=body, headers=self.headers | {"If-Match": tag})


async def edit(client: httpx.AsyncClient, path: str, headers: dict[str, str], **facts: Any) -> Editor:
    tag = (await client.get(API + path, headers=headers)).headers["ETag"]
    return Editor(client, API + path, headers, tag, **facts)


async def make_job(client: httpx.AsyncClient, owner: Person) -> dict[str, Any]:
    body = {"name": "nightly", "target": TARGET, "schedules": [HOURLY]}
    made = await client.post(f"{API}/jobs", json=body, headers=owner.headers)
    return {"tag": made.headers["ETag"], **made.json()}


async def open_editor(what: str, app: FastAPI, client: httpx.AsyncClient) -> Editor:
    """Make an object of a kind, and look at it."""
    ada, root = await make_person(app), await make_person(app, Role.SUPERADMIN)
    names = [{"name": "one"}, {"name": "two"}]
    match what:
        case "job":
            job = await make_job(client, ada)
            return await edit(client, f"/jobs/{job['id']}", ada.headers, changes=names)
        case "schedule":
            job = await make_job(client, ada)
            path = f"{API}/jobs/{job['id']}/schedules"
            made = await client.post(path, json=HOURLY, headers=ada.headers)
            changes = [{"interval_seconds": 60}, {"interval_seconds": 120}]
            return Editor(client, made.headers["Location"], ada.headers, made.headers["ETag"], changes)
        case "user":
            return await edit(client, f"/users/{ada.id}", root.headers, changes=names)
        case "own account":
            return await edit(client, "/users/me", ada.headers, changes=names)
        case "API key":
            key, _headers = await make_key(app, ada.user)
            return await edit(client, f"/api-keys/{key.id}", ada.headers, changes=names)
        case _:
            whose = f"/users/{'me' if what.startswith('own') else ada.id}"
            kind, changes = ("ui", [{"a": 1}, {"a": 2}])
            if what.endswith("notification preferences"):
                kind, changes = "notification", [{"daily_digest": True}, {"weekly_report": True}]
            who = ada if what.startswith("own") else root
            path = f"{whose}/{kind}-preferences"
            return await edit(client, path, who.headers, changes=changes, method="PUT")


EVERY = pytest.mark.parametrize(
    "what",
    [
        "job",
        "schedule",
        "user",
        "own account",
        "API key",
        "own ui preferences",
        "own notification preferences",
        "a user's ui preferences",
        "a user's notification preferences",
    ],
)


@EVERY
async def test_the_second_of_two_editors_is_stopped(app: FastAPI, client: httpx.AsyncClient, what: str) -> None:
    editor = await open_editor(what, app, client)
    first = await editor.change(0)
    second = await editor.change(1)
    after_looking_again = await editor.change(1, first.headers["ETag"])

    assert (first.status_code, second.status_code, after_looking_again.status_code) == (200, 412, 200)


@EVERY
async def test_of_editors_at_the_same_time_one_goes_first(app: FastAPI, client: httpx.AsyncClient, what: str) -> None:
    editor = await open_editor(what, app, client)
    answers = await asyncio.gather(*(editor.change(number % 2) for number in range(4)))

    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.status_code for answer in answers} == {200, 412}


@pytest.mark.parametrize("what", ["job", "schedule", "user", "own account", "API key"])
async def test_what_has_changed_is_not_deleted(app: FastAPI, client: httpx.AsyncClient, what: str) -> None:
    editor = await open_editor(what, app, client)
    proof = {"current_password": PASSWORD} if what == "own account" else None
    changed = await editor.change(0)
    unseen = await editor.delete(editor.tag, proof)
    seen = await editor.delete(changed.headers["ETag"], proof)

    assert (unseen.status_code, seen.status_code) == (412, 204)


async def test_a_job_that_has_run_can_be_edited(app: FastAPI, client: httpx.AsyncClient) -> None:
    editor = await open_editor("job", app, client)
    before = await client.get(editor.path, headers=editor.headers)
    await client.post(f"{editor.path}/execute", headers=editor.headers)
    after = await client.get(editor.path, headers=editor.headers)

    assert before.headers["ETag"] != after.headers["ETag"]
    assert (await editor.change(0)).status_code == 200


async def test_a_changed_schedule_is_a_changed_job(app: FastAPI, client: httpx.AsyncClient) -> None:
    editor = await open_editor("job", app, client)
    shown = (await client.get(editor.path, headers=editor.headers)).json()
    schedule = f"{editor.path}/schedules/{shown['schedules'][0]['id']}"
    await client.patch(schedule, json={"interval_seconds": 60}, headers=editor.headers)

    assert (await editor.change(0)).status_code == 412


async def test_a_stranger_learns_nothing_by_a_tag(app: FastAPI, client: httpx.AsyncClient) -> None:
    editor = await open_editor("API key", app, client)
    editor.headers = (await make_person(app)).headers

    assert (await editor.change(0, '"stale"')).status_code == 404


async def test_who_may_not_change_it_is_told_so_first(app: FastAPI, client: httpx.AsyncClient) -> None:
    editor = await open_editor("job", app, client)
    editor.headers = (await make_person(app)).headers

    assert (await editor.change(0, '"stale"')).status_code == 403
