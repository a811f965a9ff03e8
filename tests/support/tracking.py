"""Processes and runs for tests, through the API, with one person of each role.

yard = await Yard.open(app, client)
process = await yard.make_process("check", "decide")
run = await yard.begin(process)
await yard.report(run, "check", status="success")
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.aftermath import follow_up
from stationmaster.domains.executions.models import Execution, Spec
from stationmaster.domains.executions.states import ACTIVE, State
from stationmaster.domains.runs import approvals
from stationmaster.domains.runs.following import WorkflowFollower
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.support.executions import eventually
from tests.support.people import Person, make_person

Json = dict[str, Any]
HOOK: Json = {"type": "webhook", "url": "http://127.0.0.1:9/hook"}


@dataclass
class Yard:
    """An application with one person of each role, and calls of the tracking API."""

    app: FastAPI
    client: httpx.AsyncClient
    owner: Person
    stranger: Person
    viewer: Person
    admin: Person

    @classmethod
    async def open(cls, app: FastAPI, client: httpx.AsyncClient) -> "Yard":
        people = [await make_person(app, role) for role in (Role.USER, Role.USER, Role.VIEWER, Role.ADMIN)]
        return cls(app, client, *people)

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    async def call(
        self, method: str, path: str, body: object = None, *, by: Person | None = None, **options: Any
    ) -> httpx.Response:
        """Call `/api/v1{path}` as the owner, or as somebody else."""
        headers = (by or self.owner).headers | options.pop("headers", {})
        if body is not None:
            options["json"] = body
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **options)

    async def ask(self, method: str, path: str, body: object = None, **options: Any) -> Json:
        """Call and return the answer, which must be a success."""
        answer = await self.call(method, path, body, **options)
        assert answer.is_success, answer.text
        found: Json = answer.json() if answer.content else {}
        return found

    async def make_process(self, *steps: str | Json, **fields: Any) -> Json:
        """Create a process of the owner's; a step may be its name alone."""
        described = [{"name": step} if isinstance(step, str) else step for step in steps]
        return await self.ask("POST", "/processes", {"name": f"process-{new_id().hex}", "steps": described} | fields)

    async def begin(self, process: Json, **fields: Any) -> Json:
        """Begin a run of a new entity."""
        body = {"process_id": process["id"], "entity_id": f"entity-{new_id().hex}"}
        return await self.ask("POST", "/runs", body | fields)

    async def read(self, run: Json) -> Json:
        """Read a run as it stands."""
        return await self.ask("GET", f"/runs/{run['id']}")

    async def try_report(self, run: Json, step: str, **report: Any) -> httpx.Response:
        """Report a step of a run by its name."""
        return await self.call("PATCH", f"/step-runs/{step_run(await self.read(run), step)['id']}", report)

    async def report(self, run: Json, step: str, **report: Any) -> Json:
        """Report a step of a run by its name; return the run as it stands then."""
        answer = await self.try_report(run, step, **report)
        assert answer.status_code == 200, answer.text
        return await self.read(run)

    async def end(
        self, run: Json, step: str, state: State = State.SUCCEEDED, *, item: int | None = None, **facts: Any
    ) -> Json:
        """Let the execution of a step end, as the engine would; return the run as it stands when that was followed."""
        chosen = step_run(await self.read(run), step)
        if item is not None:
            children = await self.ask("GET", f"/runs/{run['id']}/step-runs", params={"is_current": True})
            [chosen] = [one for one in children["items"] if one["item_index"] == item and one["name"] == step]
        ended = {"state": state, "finished_at": clock.now(), "is_held": False} | facts
        async with unit_of_work(self.database) as session:
            mine = col(Execution.id) == UUID(chosen["execution_id"])
            await session.execute(sa.update(Execution).where(mine).values(ended))
        await self.follow()
        return await self.read(run)

    async def follow(self) -> None:
        """Let the workflow hear of the executions that have ended; the application's own loop may do it, too."""

        async def is_followed() -> bool:
            async with unit_of_work(self.database) as session:
                await follow_up(session, [WorkflowFollower(self.app.state.job_rules)])
            async with read_only(self.database) as session:
                left = select(Execution.id).where(col(Execution.is_watched), ~col(Execution.state).in_(ACTIVE))
                return (await session.scalar(left)) is None

        await eventually(is_followed)

    async def decide_overdue(self) -> None:
        """Decide for whom nobody decided in time, as the duty does."""
        async with unit_of_work(self.database) as session:
            await approvals.decide_overdue(session, self.app.state.job_rules)

    async def target_of(self, run: Json, step: str) -> Json:
        """Return what the execution of a step was told to do."""
        return dict((await self._spec_of(run, step)).target)

    async def timeout_of(self, run: Json, step: str) -> float:
        """Return how many seconds the execution of a step was given."""
        return (await self._spec_of(run, step)).timeout_seconds

    async def _spec_of(self, run: Json, step: str) -> Spec:
        id_ = UUID(step_run(await self.read(run), step)["execution_id"])
        async with read_only(self.database) as session:
            execution = await session.get_one(Execution, id_)
            return await session.get_one(Spec, execution.spec_id)


def step_run(run: Json, step: str) -> Json:
    """Return the current step run of a step, by its name."""
    [found] = [one for one in run["steps"] if one["name"] == step]
    chosen: Json = found
    return chosen


def statuses(run: Json) -> Json:
    """Return where the run and its steps stand: `{"run": "running", "check": "success"}`."""
    return {"run": run["status"]} | {one["name"]: one["status"] for one in run["steps"]}


def faults(answer: httpx.Response) -> list[str]:
    """Name what a refusal says is wrong."""
    assert answer.status_code == 422, answer.text
    return [error.get("pointer") or error.get("parameter") for error in answer.json()["errors"]]
