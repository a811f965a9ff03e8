"""From the end of an execution to the end of what it began elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import select

from stationmaster.config import Settings
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.external import settling, tasks
from stationmaster.domains.executions.external.canceller import Canceller
from stationmaster.domains.executions.external.models import ExternalTask, TaskState
from stationmaster.domains.executions.external.reference import TaskKind, TaskReference
from stationmaster.domains.executions.external.settling import Verdict
from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.states import State
from stationmaster.executors import open_earthengine
from stationmaster.kit import clock
from tests.support.earthengine import TASK, EarthEngineServer, status
from tests.support.executions import make_spec, store

DAY = timedelta(days=1)


@dataclass
class Deaf:
    """A remote that answers as it is told."""

    verdicts: list[Verdict] = field(default_factory=lambda: [Verdict(TaskState.CANCELLING, "no answer")])
    asked: list[str] = field(default_factory=list)

    async def cancel(self, task_id: str) -> Verdict:
        self.asked.append(task_id)
        return self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]


def canceller(database: Database, remote: Any, *, give_up_after: timedelta = DAY) -> Canceller:
    return Canceller(database, {TaskKind.EARTHENGINE: remote}, give_up_after)


@asynccontextmanager
async def at(server: EarthEngineServer, database: Database) -> AsyncIterator[Canceller]:
    async with open_earthengine(Settings(_env_file=None, earthengine=server.settings())) as earthengine:
        yield canceller(database, earthengine)


async def begin(database: Database, state: State, *, attempt: int = 1, task_id: str = TASK) -> UUID:
    """Make an execution that stands so and told of a task in its first attempt."""
    [id_] = await store(database, make_spec())
    await set_state(database, id_, state, attempt=attempt)
    async with unit_of_work(database) as session:
        await tasks.add(session, id_, 1, [TaskReference(TaskKind.EARTHENGINE, task_id)])
    return id_


async def set_state(database: Database, id_: UUID, state: State, **columns: Any) -> None:
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(state=state, **columns))


async def end_attempt(database: Database, id_: UUID, state: State, number: int = 1) -> None:
    now = clock.now()
    async with unit_of_work(database) as session:
        row = Attempt(execution_id=id_, number=number, worker="w1", state=state, started_at=now, finished_at=now)
        session.add(row)


async def task(database: Database, id_: UUID) -> ExternalTask:
    async with read_only(database) as session:
        return (await session.scalars(select(ExternalTask).where(ExternalTask.execution_id == id_))).one()


async def make_due(database: Database) -> None:
    async with unit_of_work(database) as session:
        now = await database_now(session)
        await session.execute(sa.update(ExternalTask).values(next_try_at=now - timedelta(seconds=1)))


@pytest.mark.parametrize("state", [State.CANCELLED, State.TIMED_OUT])
async def test_the_task_of_a_stopped_execution_is_cancelled(
    database: Database, server: EarthEngineServer, state: State
) -> None:
    server.begin()
    id_ = await begin(database, state)
    async with at(server, database) as hand:
        count = await hand.work()
    row = await task(database, id_)

    assert 1 == count
    assert (TaskState.CANCELLED, 1, None) == (row.state, row.tries, row.next_try_at)
    assert row.cancel_began_at is not None
    assert row.settled_at is not None
    assert "CANCELLED" == server.state_of()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.RUNNING, TaskState.RUNNING),
        (State.QUEUED, TaskState.RUNNING),
        (State.SUCCEEDED, TaskState.LEFT),
        (State.FAILED, TaskState.LEFT),
        (State.LOST, TaskState.LEFT),
    ],
)
async def test_other_tasks_are_let_go_on(database: Database, state: State, expected: TaskState) -> None:
    remote = Deaf()
    id_ = await begin(database, state)
    hand = canceller(database, remote)
    await hand.work()

    assert expected is (await task(database, id_)).state
    assert [] == remote.asked
    async with read_only(database) as session:
        assert not await settling.has_work(session)


async def test_an_attempt_that_ran_out_of_time_takes_its_tasks_along(database: Database) -> None:
    """The next attempt begins them anew."""
    remote = Deaf()
    timed_out = await begin(database, State.RUNNING, attempt=2)
    await end_attempt(database, timed_out, State.TIMED_OUT)
    failed = await begin(database, State.RUNNING, attempt=2, task_id="other")
    await end_attempt(database, failed, State.FAILED)
    await canceller(database, remote).work()

    assert ([TASK], TaskState.RUNNING) == (remote.asked, (await task(database, failed)).state)


async def test_a_passing_fault_is_tried_again_later(database: Database, server: EarthEngineServer) -> None:
    server.begin()
    server.faults = [status(503)]
    id_ = await begin(database, State.CANCELLED)
    async with at(server, database) as hand:
        counts = [await hand.work(), await hand.work()]
        waiting = await task(database, id_)
        await make_due(database)
        counts.append(await hand.work())

    assert [1, 0, 1] == counts
    assert (TaskState.CANCELLING, "Earth Engine answered 503: trouble") == (waiting.state, waiting.reason)
    assert (TaskState.CANCELLED, 2) == ((await task(database, id_)).state, (await task(database, id_)).tries)


async def test_what_a_replica_took_and_left_is_taken_by_another(database: Database) -> None:
    id_ = await begin(database, State.CANCELLED)
    async with unit_of_work(database) as session:  # and then it dies
        await settling.decide(session)
        [dead] = await settling.claim(session, limit=5)
    remote = Deaf([Verdict(TaskState.CANCELLED)])
    hand = canceller(database, remote)
    before = await hand.work()
    await make_due(database)
    after = await hand.work()
    async with unit_of_work(database) as session:
        late = await settling.settle(session, dead, Verdict(TaskState.GONE), give_up_after=DAY)

    assert (0, 1) == (before, after)
    assert (TaskState.CANCELLED, 2) == ((await task(database, id_)).state, (await task(database, id_)).tries)
    assert late is None


async def test_it_has_an_end(database: Database) -> None:
    id_ = await begin(database, State.CANCELLED)
    hand = canceller(database, Deaf(), give_up_after=timedelta(0))
    await hand.work()
    row = await task(database, id_)

    assert (TaskState.NOT_CANCELLED, "Given up after 1 tries: no answer") == (row.state, row.reason)
    assert row.next_try_at is None


async def test_the_waits_grow_and_heed_what_is_asked_for(database: Database) -> None:
    id_ = await begin(database, State.CANCELLED)
    asked_for = Verdict(TaskState.CANCELLING, "later", retry_after_seconds=1800)
    await canceller(database, Deaf([asked_for])).work()
    row = await task(database, id_)
    async with read_only(database) as session:
        now = await database_now(session)

    assert row.next_try_at is not None
    assert 1700 < (row.next_try_at - now).total_seconds() <= 1800


async def test_two_at_once_do_not_take_the_same(database: Database) -> None:
    await begin(database, State.CANCELLED)
    async with unit_of_work(database) as session:
        await settling.decide(session)
        first = await settling.claim(session, limit=5)
        second = await settling.claim(session, limit=5)

    assert (1, 0) == (len(first), len(second))
