"""Executions that end, and what the jobs room makes of it, without a runner."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.aftermath import follow_up
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import ACTIVE, State
from stationmaster.domains.jobs.consequences import JobFollower
from stationmaster.kit import clock
from tests.support.work import Desk

Job = Mapping[str, Any]


async def start(desk: Desk, job: Job, *, planned_at: datetime | None = None) -> UUID:
    """Begin an execution, as if it had been planned for an instant."""
    answer = await desk.call("POST", f"/{job['id']}/execute")
    assert answer.status_code == 202, answer.text
    id_ = UUID(answer.json()["id"])
    if planned_at is not None:
        await change(desk, id_, scheduled_for=planned_at)
    return id_


async def change(desk: Desk, id_: UUID, **columns: Any) -> None:
    async with unit_of_work(desk.database) as session:
        await session.execute(sa.update(Execution).where(col(Execution.id) == id_).values(**columns))


async def end(desk: Desk, id_: UUID, state: State = State.SUCCEEDED) -> None:
    """Let an execution end, and the followers hear of it."""
    await change(desk, id_, state=state, finished_at=clock.now())
    await hear(desk)


async def hear(desk: Desk) -> None:
    """Let the followers hear of everything that has ended; the application's own loop may have the turn meanwhile."""
    while await _has_unheard(desk):
        async with unit_of_work(desk.database) as session:
            followed = await follow_up(session, [JobFollower("UTC")])
        if not followed:
            await asyncio.sleep(0.01)


async def _has_unheard(desk: Desk) -> bool:
    unheard = sa.exists().where(col(Execution.is_watched), ~col(Execution.state).in_(ACTIVE))
    async with read_only(desk.database) as session:
        return bool(await session.scalar(sa.select(unheard)))


async def run(desk: Desk, job: Job, state: State = State.SUCCEEDED) -> UUID:
    """Begin an execution and let it end."""
    id_ = await start(desk, job)
    await end(desk, id_, state)
    return id_
