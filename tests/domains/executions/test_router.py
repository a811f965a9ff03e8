"""Executions over HTTP: who may see, cancel and retry what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import queue
from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.support.executions import make_spec, read, store
from tests.support.people import Person, make_person

NOBODY = new_id()


@dataclass
class World:
    """An application with one person of each role."""

    client: httpx.AsyncClient
    database: Database
    owner: Person
    stranger: Person
    viewer: Person
    admin: Person

    async def queue(self, count: int = 1, **facts: Any) -> list[UUID]:
        return await store(self.database, make_spec(), count, owner_id=self.owner.id, **facts)

    async def set(self, id_: UUID, **columns: Any) -> None:
        async with unit_of_work(self.database) as session:
            await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(**columns))

    async def get(self, path: str, by: Person | None = None) -> httpx.Response:
        return await self.client.get(f"/api/v1/executions{path}", headers=(by or self.viewer).headers)

    async def post(self, path: str, by: Person | None = None) -> httpx.Response:
        return await self.client.post(f"/api/v1/executions{path}", headers=(by or self.owner).headers)


@pytest.fixture
async def world(app: FastAPI, client: httpx.AsyncClient) -> World:
    people = [await make_person(app, role) for role in (Role.USER, Role.USER, Role.VIEWER, Role.ADMIN)]
    return World(client, app.state.database, *people)


def ids(answer: httpx.Response) -> list[str]:
    return [item["id"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    "path", ["", "/statistics", f"/{NOBODY}", f"/{NOBODY}/attempts"], ids=["list", "statistics", "one", "attempts"]
)
async def test_nobody_reads_without_a_login(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/api/v1/executions{path}")

    assert (401, "application/problem+json") == (answer.status_code, answer.headers["content-type"])


@pytest.mark.parametrize("verb", ["cancel", "retry"])
async def test_only_the_owner_and_admins_cancel_and_retry(world: World, verb: str) -> None:
    [id_] = await world.queue()

    anonymous = await world.client.post(f"/api/v1/executions/{id_}/{verb}")
    refused = [(await world.post(f"/{id_}/{verb}", by)).status_code for by in (world.viewer, world.stranger)]

    assert [401, 403, 403] == [anonymous.status_code, *refused]
    assert State.QUEUED is (await read(world.database, id_)).state


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/attempts"), ("POST", "/cancel"), ("POST", "/retry")]
)
async def test_what_is_not_there_is_not_found(world: World, method: str, path: str) -> None:
    answer = await world.client.request(method, f"/api/v1/executions/{NOBODY}{path}", headers=world.admin.headers)

    assert (404, "/problems/not-found") == (answer.status_code, answer.json()["type"])


async def test_an_id_that_is_none_is_refused_by_name(world: World) -> None:
    answer = await world.get("/not-an-id")

    assert 422 == answer.status_code
    assert ["execution_id"] == [error["parameter"] for error in answer.json()["errors"]]


async def test_lists_newest_first_with_links(world: World) -> None:
    made = await world.queue(3)

    answer = await world.get("?size=2")

    assert [str(id_) for id_ in made[::-1][:2]] == ids(answer)
    assert ("3", False) == (answer.headers["x-total-count"], answer.json()["total_capped"])
    assert 'rel="next"' in answer.headers["link"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=failed", {"b"}),
        ("status=failed&status=queued", {"a", "b", "c"}),
        ("trigger=schedule", {"c"}),
        ("trigger=manual", {"a", "b"}),
        ("type=webhook", {"a", "b", "c"}),
        ("type=docker", set()),
        ("from=2000-01-01&to=2000-01-01", set()),
        ("from=2000-01-01", {"a", "b", "c"}),
        ("to=2000-01-01", set()),
    ],
)
async def test_filters_narrow_the_list(world: World, query: str, expected: set[str]) -> None:
    named = dict(zip("abc", await world.queue(3), strict=True))
    await world.set(named["b"], state=State.FAILED)
    await world.set(named["c"], trigger="schedule")

    answer = await world.get(f"?{query}")

    assert {str(named[name]) for name in expected} == set(ids(answer))


async def test_filters_by_job(world: World) -> None:
    job = new_id()
    [mine], _ = await world.queue(job_id=job, job_name="nightly"), await world.queue()

    answer = await world.get(f"?job_id={job}")

    assert [str(mine)] == ids(answer)
    assert {"id": str(job), "name": "nightly"} == answer.json()["items"][0]["job"]


@pytest.mark.parametrize(
    "query",
    ["status=nonsense", "from=yesterday", "to=2026-13-01", "from=2026-02-01&to=2026-01-01", "colour=red", "page=0"],
)
async def test_wrong_filters_are_refused_by_name(world: World, query: str) -> None:
    answer = await world.get(f"?{query}")

    assert 422 == answer.status_code
    assert answer.json()["errors"][0]["parameter"] in query


@pytest.mark.parametrize(
    ("role", "expected"), [("owner", {"body": "ok"}), ("admin", {"body": "ok"}), ("stranger", None)]
)
async def test_what_the_target_answered_is_for_insiders(
    world: World, role: str, expected: Mapping[str, str] | None
) -> None:
    [id_] = await world.queue()
    await world.set(id_, result={"body": "ok"})

    answer = await world.get(f"/{id_}", getattr(world, role))

    assert expected == answer.json()["result"]


async def test_shows_times_in_utc_with_milliseconds_and_how_late_it_was(world: World) -> None:
    [id_] = await world.queue()
    slot = clock.now().replace(microsecond=123456)
    await world.set(id_, scheduled_for=slot, started_at=slot + timedelta(seconds=2))

    shown = (await world.get(f"/{id_}")).json()

    assert slot.strftime("%Y-%m-%dT%H:%M:%S.123Z") == shown["scheduled_for"]
    assert 2 == shown["lateness_seconds"]


async def test_attempts_are_listed_with_the_one_under_way(world: World) -> None:
    [id_] = await world.queue()
    now = clock.now()
    ended = Attempt(
        execution_id=id_,
        number=1,
        worker="w1",
        state=State.FAILED,
        reason=Reason.TIMEOUT,
        started_at=now,
        finished_at=now,
    )
    async with unit_of_work(world.database) as session:
        session.add(ended)
    await world.set(id_, state=State.RUNNING, attempt=2, attempt_started_at=now)

    attempts = (await world.get(f"/{id_}/attempts")).json()["items"]
    second = await world.get(f"/{id_}/attempts?size=1&page=2")

    assert [(1, "failed", "timeout"), (2, "running", None)] == [
        (a["number"], a["state"], a["reason"]) for a in attempts
    ]
    assert ([2], 2) == ([a["number"] for a in second.json()["items"]], second.json()["pages"])
    assert 'rel="prev"' in second.headers["link"]


async def test_cancelling_what_is_queued_ends_it_at_once(world: World) -> None:
    [id_] = await world.queue()

    answer = await world.post(f"/{id_}/cancel")

    assert (202, "cancelled", "requested") == (answer.status_code, answer.json()["state"], answer.json()["reason"])


async def test_cancelling_what_runs_asks_it_to_stop(world: World) -> None:
    [id_] = await world.queue()
    async with unit_of_work(world.database) as session:
        await queue.claim(session, [id_], worker="w", token=new_id(), lease=timedelta(seconds=60))

    answers = [await world.post(f"/{id_}/cancel", world.admin) for _ in range(2)]

    assert [202, 202] == [answer.status_code for answer in answers]
    assert "running" == answers[0].json()["state"]
    assert answers[0].json()["cancel_requested_at"] == answers[1].json()["cancel_requested_at"] is not None


async def test_what_has_ended_cannot_be_cancelled(world: World) -> None:
    [id_] = await world.queue()
    await world.set(id_, state=State.SUCCEEDED)

    answer = await world.post(f"/{id_}/cancel")

    assert (409, "The execution has ended") == (answer.status_code, answer.json()["title"])


async def test_a_retry_is_a_new_execution_that_names_the_former(world: World) -> None:
    [id_] = await world.queue(job_id=new_id(), job_name="nightly", params={"day": 1})
    await world.set(id_, state=State.FAILED)

    answer = await world.post(f"/{id_}/retry")

    shown = answer.json()
    assert (202, f"/api/v1/executions/{shown['id']}") == (answer.status_code, answer.headers["location"])
    assert (str(id_), "retry", "queued", "nightly", {"day": 1}) == (
        shown["retry_of"], shown["trigger"], shown["state"], shown["job"]["name"], shown["params"]
    )  # fmt: skip
    assert State.FAILED is (await read(world.database, id_)).state


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
async def test_what_has_not_ended_cannot_be_retried(world: World, state: State) -> None:
    [id_] = await world.queue()
    await world.set(id_, state=state)

    assert 409 == (await world.post(f"/{id_}/retry")).status_code


async def test_statistics_count_by_state_and_take_the_same_filters(world: World) -> None:
    first, second, third, fourth = await world.queue(4)
    await world.set(first, state=State.SUCCEEDED, duration_seconds=2.0)
    await world.set(second, state=State.TIMED_OUT, duration_seconds=9.0)
    await world.set(third, state=State.SKIPPED, slot_count=5)

    everything = (await world.get("/statistics")).json()
    nothing = (await world.get("/statistics?trigger=schedule")).json()

    assert {"succeeded": 1, "timed_out": 1, "skipped": 1, "queued": 1} == everything["by_state"]
    assert (4, 50.0, 2.0, 9.0, 5) == (
        everything["total"], everything["success_rate"], everything["average_duration_seconds"],
        everything["longest_duration_seconds"], everything["skipped_slots"],
    )  # fmt: skip
    assert (0, None) == (nothing["total"], nothing["success_rate"])
    assert State.QUEUED is (await read(world.database, fourth)).state
