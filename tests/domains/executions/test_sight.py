"""Which executions somebody sees, and who looks into those of a script: for everybody who is something to it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.executions.models import Execution, Spec
from stationmaster.domains.executions.repository import Filters, list_statement
from stationmaster.domains.executions.sight import read_sight
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit.ids import new_id
from tests.support.executions import make_spec, store
from tests.support.people import Person, make_person, sign_in
from tests.support.scripts import SCRIPTS, register, run
from tests.support.work import be_late, lead, read_executions, run_tick

EXECUTIONS = "/api/v1/executions"
ROLES = {"owner": Role.USER, "other": Role.USER, "listed": Role.USER, "viewer": Role.VIEWER, "admin": Role.ADMIN}


@dataclass
class Stage:
    """A script that its owner opened to one listed user, and people who are something to it."""

    app: FastAPI
    client: httpx.AsyncClient
    people: dict[str, Person] = field(default_factory=dict)
    slug: str = ""
    script_id: str = ""

    async def fill(self) -> "Stage":
        for name, role in ROLES.items():
            self.people[name] = await make_person(self.app, role)
        self.slug = await register(self.client, self.people["owner"])
        await self.call("POST", f"{SCRIPTS}/{self.slug}/access/users/{self.people['listed'].id}", "owner")
        self.script_id = (await self.call("GET", f"{SCRIPTS}/{self.slug}", "owner")).json()["id"]
        return self

    async def call(self, method: str, path: str, by: str, **request: Any) -> httpx.Response:
        headers = self.people[by].headers if by in self.people else {}
        return await self.client.request(method, path, headers=headers, **request)

    async def statuses(self, path: str, method: str = "GET") -> dict[str, int]:
        return {who: (await self.call(method, path, who)).status_code for who in (*self.people, "anonymous")}

    async def make_job(self, by: str, **more: Any) -> dict[str, Any]:
        target = {"type": "script", "script": self.slug, "params": {"text": "x"}}
        answer = await self.call("POST", "/api/v1/jobs", by, json={"name": new_id().hex, "target": target} | more)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def execute_job(self, by: str) -> dict[str, Any]:
        answer = await self.call("POST", f"/api/v1/jobs/{(await self.make_job(by))['id']}/execute", by)
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture
async def stage(app: FastAPI, client: httpx.AsyncClient) -> Stage:
    return await Stage(app, client).fill()


@pytest.mark.parametrize("part", ["", "/attempts", "/logs", "/results", "/artifacts"])
async def test_a_run_is_there_for_its_runner_the_owner_of_the_script_and_admins(stage: Stage, part: str) -> None:
    made = (await run(stage.client, stage.people["listed"], stage.slug, params={"text": "x"})).json()

    statuses = await stage.statuses(f"{EXECUTIONS}/{made['id']}{part}")

    assert statuses == {"owner": 200, "other": 404, "listed": 200, "viewer": 404, "admin": 200, "anonymous": 401}


async def test_a_run_is_stopped_by_its_runner_and_admins(stage: Stage) -> None:
    made = (await run(stage.client, stage.people["listed"], stage.slug, params={"text": "x"})).json()

    statuses = await stage.statuses(f"{EXECUTIONS}/{made['id']}/cancel", "POST")

    assert statuses == {"owner": 403, "other": 404, "listed": 202, "viewer": 403, "admin": 409, "anonymous": 401}


async def test_lists_and_figures_hold_what_one_sees(stage: Stage) -> None:
    await run(stage.client, stage.people["listed"], stage.slug, params={"text": "x"})
    await run(stage.client, stage.people["owner"], stage.slug, params={"text": "x"})
    await stage.execute_job("listed")
    query = f"script_id={stage.script_id}"
    counted: dict[str, tuple[int, int]] = {}
    for who in stage.people:
        listed = (await stage.call("GET", f"{EXECUTIONS}?{query}", who)).json()
        figures = (await stage.call("GET", f"{EXECUTIONS}/statistics?{query}", who)).json()
        counted[who] = (listed["total"], figures["total"])

    assert counted == {"owner": (3, 3), "other": (1, 1), "listed": (2, 2), "viewer": (1, 1), "admin": (3, 3)}


async def test_the_script_of_a_jobs_execution_is_named_to_whoever_may_see_it(stage: Stage) -> None:
    made = await stage.execute_job("owner")
    path = f"{EXECUTIONS}/{made['id']}"

    shown = {who: (await stage.call("GET", path, who)).json()["script"] for who in stage.people}

    expected = dict.fromkeys(("owner", "listed", "admin"), "Tell") | dict.fromkeys(("other", "viewer"))
    assert shown == {who: {"id": stage.script_id, "name": name} for who, name in expected.items()}


async def test_who_owns_a_script_reads_the_logs_of_others_jobs_that_run_it(stage: Stage) -> None:
    made = await stage.execute_job("listed")

    statuses = await stage.statuses(f"{EXECUTIONS}/{made['id']}/logs")

    assert statuses == {"owner": 200, "other": 404, "listed": 200, "viewer": 404, "admin": 200, "anonymous": 401}


async def test_an_owner_who_became_a_viewer_reads_no_logs_of_others(stage: Stage) -> None:
    made = (await run(stage.client, stage.people["listed"], stage.slug, params={"text": "x"})).json()
    await stage.call("PATCH", f"/api/v1/users/{stage.people['owner'].id}", "admin", json={"role": "viewer"})
    stage.people["owner"] = await sign_in(stage.app, stage.people["owner"].user)

    assert (await stage.call("GET", f"{EXECUTIONS}/{made['id']}/logs", "owner")).status_code == 404


async def test_executions_of_slots_name_their_script(stage: Stage) -> None:
    job = await stage.make_job("owner", schedules=[{"interval_seconds": 3600}], misfire={"policy": "last"})
    database: Database = stage.app.state.database
    await be_late(database, UUID(job["id"]), count=3)

    await run_tick(database, await lead(database))

    made = await read_executions(database, UUID(job["id"]))
    assert {(one.state, str(one.script_id), one.script_name) for one in made} == {
        ("skipped", stage.script_id, "Tell"),
        ("queued", stage.script_id, "Tell"),
    }


async def test_executions_of_steps_name_their_script(stage: Stage) -> None:
    target = {"type": "script", "script": stage.slug, "params": {"text": "x"}}
    steps = [{"name": "only", "target": target}]
    process = await stage.call("POST", "/api/v1/processes", "owner", json={"name": "p", "steps": steps})
    body = {"process_id": process.json()["id"], "entity_id": "1"}

    started = await stage.call("POST", "/api/v1/runs", "owner", json=body)

    listed = await stage.call("GET", f"{EXECUTIONS}?script_id={stage.script_id}", "owner")
    assert started.status_code == 201, started.text
    assert [one["step_run"] for one in listed.json()["items"]] == [started.json()["steps"][0]["id"]]


async def test_a_job_keeps_to_its_script_when_another_takes_the_slug(stage: Stage) -> None:
    """The new owner of a slug is not handed the work of those who meant another script."""
    job = await stage.make_job("owner")
    await stage.call("PATCH", f"{SCRIPTS}/{stage.slug}", "owner", json={"slug": "moved"})
    await register(stage.client, stage.people["listed"])

    made = (await stage.call("POST", f"/api/v1/jobs/{job['id']}/execute", "owner")).json()

    async with read_only(stage.app.state.database) as session:
        execution = await session.get_one(Execution, UUID(made["id"]))
        spec = await session.get_one(Spec, execution.spec_id)
    assert (made["script_id"], spec.target["script"]) == (stage.script_id, stage.script_id)


async def test_the_condition_is_the_rule(stage: Stage) -> None:
    database: Database = stage.app.state.database
    script = UUID(stage.script_id)
    for owner in stage.people.values():
        kinds: list[dict[str, Any]] = [{}, {"job_id": new_id()}, {"step_run_id": new_id()}]
        for facts in kinds:
            await store(database, make_spec(), owner_id=owner.id, script_id=script, **facts)
            await store(database, make_spec(), owner_id=owner.id, script_id=new_id(), **facts)
    await store(database, make_spec())
    actors = [Actor("user", one.id, one.id, who, "a@b.c", ROLES[who]) for who, one in stage.people.items()]
    async with read_only(database) as session:
        everything = list(await session.scalars(list_statement(Filters())))
        for actor in actors:
            sight = await read_sight(session, everything, actor)
            seen = [one.id for one in everything if sight.may_see(one)]

            assert [one.id for one in await session.scalars(list_statement(Filters(viewer=actor)))] == seen
