"""Work elsewhere that outlives its replica: it is taken over under its attempt's number, and ended where that is asked."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import queue, repository
from stationmaster.domains.executions.desk import FlightDesk
from stationmaster.domains.executions.executor import Context, Disowned, Facts, Outcome
from stationmaster.domains.executions.invariants import find_violations
from stationmaster.domains.executions.models import Execution, OnLost
from stationmaster.domains.executions.queue import Claimed
from stationmaster.domains.executions.rescue import POISON_CRASHES, rescue
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets import Target
from stationmaster.kit.ids import new_id
from tests.domains.executions.test_runner import running
from tests.support.executions import TOKENS, ScriptedExecutor, ended, eventually, make_spec, read, read_attempts, store

HANDLE = {"container": "execution-1"}
LOST = Outcome(State.LOST, Reason.LOST, error="The container is gone.")


async def claim(database: Database, id_: UUID, *, lease_seconds: float = 15) -> Claimed:
    async with unit_of_work(database) as session:
        [claimed] = await queue.claim(
            session, [id_], worker="w0", token=new_id(), lease=timedelta(seconds=lease_seconds)
        )
    return claimed


async def begin_elsewhere(database: Database, *, lease_seconds: float = -1, **columns: Any) -> UUID:
    """Begin work elsewhere, and let the replica that did so go away."""
    [id_] = await store(database, make_spec(on_lost=OnLost.FAIL))
    await FlightDesk(database, await claim(database, id_, lease_seconds=lease_seconds), TOKENS).save_handle(HANDLE)
    if columns:
        async with unit_of_work(database) as session:
            await session.execute(sa.update(Execution).values(**columns))
    return id_


async def rescue_all(database: Database) -> None:
    async with unit_of_work(database) as session:
        await rescue(session)


@dataclass
class FollowingExecutor(ScriptedExecutor):
    """Reads, like an executor of work elsewhere, what its attempt is about."""

    facts: list[Facts] = field(default_factory=list)

    async def run(self, target: Target, context: Context) -> Outcome:
        self.facts.append(await context.desk.read_facts())
        return await super().run(target, context)


async def test_what_has_a_handle_goes_on_under_its_number(database: Database) -> None:
    id_ = await begin_elsewhere(database)
    await rescue_all(database)

    waiting = await read(database, id_)
    claimed = await claim(database, id_)

    assert (State.QUEUED, 1, 0, 1, HANDLE) == (
        waiting.state, waiting.attempt, waiting.crash_count, waiting.adopted_count, waiting.handle
    )  # fmt: skip
    assert [] == await read_attempts(database, id_)
    assert (1, waiting.attempt_started_at) == (claimed.number, claimed.started_at)
    assert claimed.claimed_at > claimed.started_at


async def test_the_next_replica_is_told_the_handle_and_ends_the_attempt(database: Database) -> None:
    id_ = await begin_elsewhere(database)
    await rescue_all(database)
    executor = FollowingExecutor()

    async with running(database, executor):
        execution = await ended(database, id_)

    assert (State.SUCCEEDED, 1, None) == (execution.state, execution.attempt, execution.handle)
    assert [HANDLE] == [facts.handle for facts in executor.facts]
    assert [(1, State.SUCCEEDED)] == [(one.number, one.state) for one in await read_attempts(database, id_)]


async def test_no_rule_is_broken_while_it_waits(database: Database) -> None:
    await begin_elsewhere(database)
    await rescue_all(database)

    assert [] == [finding async for finding in find_violations(database, lease="scheduler")]


async def test_the_time_that_has_passed_counts(database: Database) -> None:
    id_ = await begin_elsewhere(database, attempt_started_at=sa.func.current_timestamp())
    async with unit_of_work(database) as session:
        started_at = (await read(database, id_)).queued_at - timedelta(seconds=3)
        await session.execute(sa.update(Execution).values(attempt_started_at=started_at))
    await rescue_all(database)
    executor = FollowingExecutor()

    async with running(database, executor):
        await ended(database, id_)

    assert 0 < executor.calls[0].timeout_seconds <= 2


async def test_what_has_seen_too_many_replicas_go_is_poison(database: Database) -> None:
    id_ = await begin_elsewhere(database, adopted_count=POISON_CRASHES - 1)

    await rescue_all(database)

    execution = await read(database, id_)
    assert (State.FAILED, Reason.POISON, None) == (execution.state, execution.reason, execution.handle)
    assert [State.LOST] == [one.state for one in await read_attempts(database, id_)]


async def test_a_replica_that_leaves_hands_it_back_at_once_and_that_is_no_crash(database: Database) -> None:
    executor = FollowingExecutor()
    id_ = await begin_elsewhere(database, lease_seconds=60)
    token = (await read(database, id_)).lease_token
    assert token is not None

    async with unit_of_work(database) as session:
        await queue.hand_back(session, [token])

    waiting = await read(database, id_)
    assert (State.QUEUED, 0, None, HANDLE) == (
        waiting.state, waiting.adopted_count, waiting.lease_token, waiting.handle
    )  # fmt: skip
    async with running(database, executor):
        assert State.SUCCEEDED is (await ended(database, id_)).state


async def test_one_that_waits_to_be_taken_over_is_cancelled_by_stopping_the_work(database: Database) -> None:
    id_ = await begin_elsewhere(database)
    await rescue_all(database)
    async with unit_of_work(database) as session:
        now = (await read(database, id_)).queued_at
        assert not await repository.cancel_queued(session, id_, now)
        assert await repository.ask_to_stop(session, id_, now)
    executor = ScriptedExecutor(gate=asyncio.Event())

    async with running(database, executor, lease=timedelta(seconds=2)):
        execution = await ended(database, id_)

    assert (State.CANCELLED, Reason.REQUESTED) == (execution.state, execution.reason)
    assert [id_] == executor.stopped


async def test_a_time_out_stops_the_work_elsewhere(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stationmaster.domains.executions.attempt.GRACE_SECONDS", 0)
    [id_] = await store(database, make_spec(timeout_seconds=0.05))
    executor = ScriptedExecutor(gate=asyncio.Event())

    async with running(database, executor):
        execution = await ended(database, id_)

    assert State.TIMED_OUT is execution.state
    assert [id_] == executor.stopped


@pytest.mark.parametrize(("on_lost", "attempts"), [(OnLost.FAIL, 1), (OnLost.RETRY, POISON_CRASHES)])
async def test_what_became_of_work_may_be_lost(database: Database, on_lost: OnLost, attempts: int) -> None:
    [id_] = await store(database, make_spec(on_lost=on_lost))

    async with running(database, ScriptedExecutor([LOST])):
        execution = await ended(database, id_)

    assert (State.LOST, Reason.LOST, LOST.error) == (execution.state, execution.reason, execution.error)
    assert attempts == len(await read_attempts(database, id_))


async def test_a_lost_attempt_that_is_tried_again_may_succeed(database: Database) -> None:
    [id_] = await store(database, make_spec(on_lost=OnLost.RETRY))

    async with running(database, ScriptedExecutor([LOST, Outcome(State.SUCCEEDED)])):
        execution = await ended(database, id_)

    assert (State.SUCCEEDED, 2, 1) == (execution.state, execution.attempt, execution.crash_count)


async def test_a_desk_of_a_lost_lease_refuses(database: Database) -> None:
    [id_] = await store(database, make_spec())
    desk = FlightDesk(database, await claim(database, id_, lease_seconds=-1), TOKENS)
    await rescue_all(database)

    with pytest.raises(Disowned):
        await desk.read_facts()
    with pytest.raises(Disowned):
        await desk.save_handle(HANDLE)
    assert (await read(database, id_)).handle is None


async def test_an_executor_that_finds_itself_disowned_ends_in_silence(database: Database) -> None:
    [id_] = await store(database, make_spec())
    executor = ScriptedExecutor([Disowned(), Outcome(State.SUCCEEDED)])

    async with running(database, executor) as runner:

        async def is_forgotten() -> bool:
            return bool(executor.calls) and not runner.flights.all()

        await eventually(is_forgotten)

    assert [] == [one.state for one in await read_attempts(database, id_)]
