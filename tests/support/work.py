"""Work for tests: jobs with schedules, a leader's term, and outages that take no time.

    desk = await Desk.open(app, client)                       # through the API: one person of each role
    job = await desk.create(schedules=[{"interval_seconds": 60}])

    job = await make_job(database, schedules=[HOURLY])        # through the service, without an application
    slots = await be_late(database, job.id, count=3)          # the last three slots are due and undecided
    await run_tick(database, await lead(database))

Nothing waits for a slot to come: an outage is made by moving the schedule back.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col, select

from stationmaster.db import leases
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.leases import Term
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.executor import Executor
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.jobs import service, tick
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.schemas import JobIn
from stationmaster.entrypoints.scheduler.leader import LEASE
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit.ids import new_id
from stationmaster.kit.instants import normalise
from tests.support.executions import SEALER, ScriptedExecutor
from tests.support.people import Person, make_person, make_user

TARGET = {"type": "webhook", "url": "https://receiver.example/hook"}
HOURLY = {"interval_seconds": 3600}
ALLOW = {"policy": "allow"}
"""Overlap policy of tests in which nothing ever ends."""
HOUR = timedelta(hours=1)


def make_rules(executor: Executor | None = None) -> JobRules:
    """Make the rules of a house in which a fake executor takes every target."""
    return JobRules(SEALER, {"webhook": executor or ScriptedExecutor()}, "UTC", min_interval_seconds=1)


async def make_actor(database: Database, role: Role = Role.USER) -> Actor:
    """Store an account and return it as a caller."""
    user = await make_user(database, role)
    return Actor("user", user.id, user.id, user.name, user.email, user.role)


async def make_job(
    database: Database, *, actor: Actor | None = None, rules: JobRules | None = None, **fields: Any
) -> Job:
    """Store a job; without an owner of one's own it gets a new one."""
    body = {"name": f"job-{new_id().hex}", "target": TARGET, "overlap": ALLOW} | fields
    actor = actor or await make_actor(database)
    async with unit_of_work(database) as session:
        return await service.create_job(session, rules or make_rules(), JobIn.model_validate(body), actor)


async def lead(database: Database, holder: str = "leader", ttl: timedelta = timedelta(minutes=1)) -> Term:
    """Begin a leader's term; whoever led before is overthrown."""
    async with unit_of_work(database) as session:
        await session.execute(sa.update(leases.Lease).values(expires_at=await database_now(session)))
        term = await leases.acquire(session, name=LEASE, holder=holder, ttl=ttl)
    assert term is not None
    return term


async def run_tick(database: Database, term: Term) -> int:
    """Decide one batch, as the leader does; return how many schedules were due."""
    async with unit_of_work(database) as session:
        decided = await tick.tick(session, term)
        await tick.end_pauses(session)
        return decided


async def be_late(
    database: Database, job_id: UUID, *, count: int = 1, every: timedelta = HOUR, by: timedelta = timedelta(seconds=1)
) -> list[datetime]:
    """Make the last `count` slots of a job's interval schedules due and undecided, the newest of them late `by` so much.

    Keep `by` well below `every`, so that no further slot comes while the test runs.
    """
    async with unit_of_work(database) as session:
        newest = normalise(await database_now(session)) - by
        slots = [newest - every * number for number in reversed(range(count))]
        seconds = int(every.total_seconds())
        await session.execute(
            sa.update(Schedule)
            .where(col(Schedule.job_id) == job_id)
            .values(interval_seconds=seconds, anchor_at=slots[0], next_run_at=slots[0])
        )
    return slots


async def let_pass(database: Database, job_id: UUID, time: timedelta) -> None:
    """Let time pass for one job with interval schedules: move all that is planned and recorded of it back instead."""
    async with unit_of_work(database) as session:
        job = await session.get_one(Job, job_id)
        schedules = await session.scalars(select(Schedule).where(Schedule.job_id == job_id))
        executions = await session.scalars(select(Execution).where(Execution.job_id == job_id))
        for row in (job, *schedules, *executions):
            for name in _MOVED & set(type(row).model_fields):
                before: datetime | None = getattr(row, name)
                setattr(row, name, before - time if before else None)


_MOVED = {"anchor_at", "next_run_at", "last_slot_at", "scheduled_for", "slot_until", "paused_at", "paused_until"}


async def set_job(database: Database, job_id: UUID, **columns: Any) -> None:
    """Change columns of a job behind the service's back."""
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Job).where(col(Job.id) == job_id).values(**columns))


async def set_schedules(database: Database, job_id: UUID, **columns: Any) -> None:
    """Change columns of a job's schedules behind the service's back."""
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Schedule).where(col(Schedule.job_id) == job_id).values(**columns))


async def read_job(database: Database, job_id: UUID) -> Job:
    """Read a job as it stands."""
    async with read_only(database) as session:
        job = await session.get(Job, job_id)
    assert job is not None
    return job


async def read_schedules(database: Database, job_id: UUID) -> list[Schedule]:
    """Read the schedules of a job in the order they were made."""
    async with read_only(database) as session:
        statement = select(Schedule).where(Schedule.job_id == job_id).order_by(col(Schedule.id))
        return list(await session.scalars(statement))


async def read_executions(database: Database, job_id: UUID) -> list[Execution]:
    """Read the executions of a job by their slots, those without one last."""
    async with read_only(database) as session:
        statement = select(Execution).where(Execution.job_id == job_id).order_by(col(Execution.id))
        rows = list(await session.scalars(statement))
    return sorted(rows, key=lambda row: (row.scheduled_for is None, row.scheduled_for or row.queued_at))


async def count_rows(database: Database, *tables: type) -> list[int]:
    """Count the rows of tables."""
    async with read_only(database) as session:
        return [await session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


@dataclass
class Desk:
    """An application with one person of each role, and calls of the jobs API."""

    app: FastAPI
    client: httpx.AsyncClient
    owner: Person
    stranger: Person
    viewer: Person
    admin: Person

    @classmethod
    async def open(cls, app: FastAPI, client: httpx.AsyncClient) -> "Desk":
        people = [await make_person(app, role) for role in (Role.USER, Role.USER, Role.VIEWER, Role.ADMIN)]
        return cls(app, client, *people)

    @contextmanager
    def ruled_by(self, rules: JobRules) -> Iterator[None]:
        """Let other rules hold for a while."""
        before, self.app.state.job_rules = self.app.state.job_rules, rules
        try:
            yield
        finally:
            self.app.state.job_rules = before

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    async def call(
        self, method: str, path: str = "", body: object = None, *, by: Person | None = None, **options: Any
    ) -> httpx.Response:
        """Call `/api/v1/jobs{path}` as the owner, or as somebody else."""
        headers = (by or self.owner).headers | options.pop("headers", {})
        if body is not None:
            options["json"] = body
        return await self.client.request(method, f"/api/v1/jobs{path}", headers=headers, **options)

    async def create(self, **fields: Any) -> dict[str, Any]:
        """Create a job and return it as the API shows it."""
        answer = await self.call("POST", body={"name": f"job-{new_id().hex}", "target": TARGET} | fields)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def read(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Read a job anew."""
        return dict((await self.call("GET", f"/{job['id']}", by=self.viewer)).json())


def faults(answer: httpx.Response) -> list[str]:
    """Return the fields that a refusal names; fail when it is none."""
    assert answer.status_code == 422, (answer.status_code, answer.text)
    return [error.get("pointer", error.get("parameter")) for error in answer.json()["errors"]]
