"""The runner with a real database and an executor that does as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlmodel import select

from stationmaster.config import RunnerSettings
from stationmaster.db import notify
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database, open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import service
from stationmaster.domains.executions.executor import Outcome
from stationmaster.domains.executions.models import Breaker, Execution
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.runner import Runner
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.workers import list_workers
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Sealer
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.executions import (
    SEALER,
    SUCCESS,
    TOKENS,
    ScriptedExecutor,
    ended,
    eventually,
    make_spec,
    read,
    read_attempts,
    store,
    webhook,
)

ADMIN = Actor(kind="user", id=new_id(), user_id=new_id(), name="a", email="a@example.com", role=Role.ADMIN)
BROKEN = Outcome(State.FAILED, Reason.SERVER_ERROR, response_status=500, error="The receiver answered 500.")
UNWELL = Outcome(State.FAILED, Reason.NETWORK_ERROR, error="No connection.")


@asynccontextmanager
async def running(
    database: Database, executor: ScriptedExecutor, *, is_drained: bool = True, **settings: object
) -> AsyncIterator[Runner]:
    """Run a runner; drain it at the end."""
    chosen = RunnerSettings.model_validate({"drain": timedelta(seconds=5), **settings})
    runner = Runner(database, executors={"webhook": executor}, sealer=SEALER, tokens=TOKENS, settings=chosen, name="w1")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(runner.run())
        try:
            yield runner
        finally:
            if is_drained:
                await runner.drain()
            task.cancel()


async def test_does_what_is_queued_and_records_it(database: Database) -> None:
    [id_] = await store(database, make_spec())
    executor = ScriptedExecutor()

    async with running(database, executor):
        execution = await ended(database, id_)

    assert (State.SUCCEEDED, 1, "w1") == (execution.state, execution.attempt, execution.worker)
    assert [(id_, 1)] == [(call.execution_id, call.attempt) for call in executor.calls]


async def test_does_many_without_losing_or_doubling_any(database: Database) -> None:
    ids = await store(database, make_spec(), 500)
    executor = ScriptedExecutor()

    async with running(database, executor, concurrency=50, per_host=50):
        for id_ in ids:
            await ended(database, id_)

    assert sorted(ids) == sorted(call.execution_id for call in executor.calls)
    assert executor.most_busy <= 50


async def test_wakes_for_new_work_and_does_not_wait_for_its_poll(database: Database) -> None:
    executor = ScriptedExecutor()
    async with running(database, executor):
        first = await store(database, make_spec())
        await ended(database, first[0])
        began = asyncio.get_running_loop().time()
        [id_] = await store(database, make_spec())
        await ended(database, id_)

        assert asyncio.get_running_loop().time() - began < 0.9


@ONLY_POSTGRESQL
async def test_wakes_for_work_that_another_replica_queued(database: Database) -> None:
    executor = ScriptedExecutor()
    async with running(database, executor), asyncio.TaskGroup() as group:
        listening = group.create_task(notify.listen(database))
        async with open_database(database.url) as other, notify.waiting_for(database, notify.Wake.QUEUE) as heard:
            await asyncio.wait_for(heard.wait(), 5)  # the first notice comes with the connection
            heard.clear()
            [id_] = await store(other, make_spec())
            await asyncio.wait_for(heard.wait(), 5)
        assert State.SUCCEEDED is (await ended(database, id_)).state
        listening.cancel()


async def test_retries_with_the_same_message_id(database: Database) -> None:
    retry = Retry(max_attempts=3, delays_seconds=[0.01])
    [id_] = await store(database, make_spec(retry=retry))
    executor = ScriptedExecutor([BROKEN, BROKEN, SUCCESS])

    async with running(database, executor):
        execution = await ended(database, id_)

    attempts = await read_attempts(database, id_)
    assert (State.SUCCEEDED, 3) == (execution.state, execution.attempt)
    assert [State.FAILED, State.FAILED, State.SUCCEEDED] == [attempt.state for attempt in attempts]
    assert [(id_, 1), (id_, 2), (id_, 3)] == [(call.execution_id, call.attempt) for call in executor.calls]


async def test_a_fault_of_an_executor_ends_that_execution_only(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = await store(database, make_spec(), 2)
    executor = ScriptedExecutor([RuntimeError("a bug"), SUCCESS])

    async with running(database, executor, concurrency=1, per_host=1):
        states = [(await ended(database, id_)).state for id_ in (bad, good)]

    assert [State.FAILED, State.SUCCEEDED] == states
    assert Reason.INTERNAL_ERROR is (await read(database, bad)).reason
    assert "executor.failed" in caplog.text


async def test_a_spec_that_cannot_be_opened_ends_its_own_execution_only(database: Database) -> None:
    sealed_before = make_spec(target=webhook(secret_headers={"X-A": "secret"}))
    sealed_before.target["secret_headers"]["X-A"] = Sealer(b"n" * 32).seal("secret", row=str(sealed_before.id))
    [broken], [sound] = await store(database, sealed_before), await store(database, make_spec())

    async with running(database, ScriptedExecutor()):
        other, one = await ended(database, broken), await ended(database, sound)

    assert (State.SUCCEEDED, State.FAILED, Reason.INTERNAL_ERROR) == (one.state, other.state, other.reason)


async def test_an_executor_that_does_not_end_is_cut_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stationmaster.domains.executions.attempt.GRACE_SECONDS", 0)
    [id_] = await store(database, make_spec(timeout_seconds=0.05))

    async with running(database, ScriptedExecutor(gate=asyncio.Event())):
        execution = await ended(database, id_)

    assert (State.TIMED_OUT, Reason.TIMEOUT) == (execution.state, execution.reason)


async def test_cancelling_stops_what_runs(database: Database) -> None:
    [id_] = await store(database, make_spec())
    executor = ScriptedExecutor(gate=asyncio.Event())

    async with running(database, executor):
        await executor.began.wait()
        async with unit_of_work(database) as session:
            await service.cancel(session, id_, ADMIN)
        execution = await ended(database, id_)

    assert (State.CANCELLED, Reason.REQUESTED) == (execution.state, execution.reason)
    assert 0 == executor.busy


async def test_a_replaced_execution_says_so(database: Database) -> None:
    spec = make_spec(overlap=Overlap.model_validate({"policy": "replace"}))
    executor = ScriptedExecutor(gate=asyncio.Event())

    async with running(database, executor):
        [first] = await store(database, spec)
        await executor.began.wait()
        await store(database, spec)
        execution = await ended(database, first)
        executor.gate = None

    assert (State.CANCELLED, Reason.REPLACED) == (execution.state, execution.reason)


async def test_a_full_host_does_not_hold_up_another(database: Database) -> None:
    executor = ScriptedExecutor(gate=asyncio.Event())
    slow = await store(database, make_spec(host="slow.test:80"), 10)
    [other] = await store(database, make_spec(host="quick.test:80"))

    async with running(database, executor, per_host=2):
        await eventually(lambda: has_begun(database, other))
        begun = [id_ for id_ in slow if (await read(database, id_)).attempt]
        assert executor.gate is not None
        executor.gate.set()
        for id_ in slow:
            await ended(database, id_)

    assert 2 == len(begun)


async def has_begun(database: Database, id_: object) -> bool:
    async with unit_of_work(database) as session:
        return bool(await session.scalar(select(Execution.attempt).where(Execution.id == id_)))


async def test_a_host_that_fails_again_and_again_is_left_alone(database: Database) -> None:
    ids = await store(database, make_spec(), 20)
    executor = ScriptedExecutor([UNWELL])

    async with running(database, executor, concurrency=1, per_host=1, breaker_failures=3):
        await eventually(lambda: is_shut(database))
        await eventually(lambda: is_quiet(executor))

    called = len(executor.calls)
    waiting = [id_ for id_ in ids if (await read(database, id_)).state is State.QUEUED]
    assert 3 <= called < 20
    assert 20 - called == len(waiting)


async def test_a_host_that_answers_its_probe_is_called_again(database: Database) -> None:
    """Also by a replica that has just started and knows nothing of the failures before."""
    ids = await store(database, make_spec(), 5)
    async with unit_of_work(database) as session:
        past = await database_now(session) - timedelta(seconds=1)
        session.add(Breaker(host="receiver.test:80", failures=9, open_seconds=60, open_until=past))
    executor = ScriptedExecutor()

    async with running(database, executor):
        states = [(await ended(database, id_)).state for id_ in ids]

    assert [State.SUCCEEDED] * 5 == states


async def is_shut(database: Database) -> bool:
    async with unit_of_work(database) as session:
        return await session.scalar(select(Breaker.open_until)) is not None


async def is_quiet(executor: ScriptedExecutor) -> bool:
    return executor.busy == 0


async def test_draining_gives_what_runs_its_time_and_takes_nothing_new(database: Database) -> None:
    executor = ScriptedExecutor(gate=asyncio.Event())
    [running_id] = await store(database, make_spec())

    async with running(database, executor, is_drained=False) as runner, asyncio.TaskGroup() as group:
        await executor.began.wait()
        draining = group.create_task(runner.drain())
        [late] = await store(database, make_spec())
        assert executor.gate is not None
        executor.gate.set()
        await draining

    assert State.SUCCEEDED is (await read(database, running_id)).state
    assert State.QUEUED is (await read(database, late)).state


async def test_what_does_not_end_in_time_is_handed_over_at_once(database: Database) -> None:
    executor = ScriptedExecutor(gate=asyncio.Event())
    [id_] = await store(database, make_spec())
    async with running(database, executor, drain=timedelta(seconds=0.05), is_drained=False) as runner:
        await executor.began.wait()
        await runner.drain()
        async with unit_of_work(database) as session:
            assert 1 == await service.rescue(session)

    execution = await read(database, id_)
    assert (State.QUEUED, 1) == (execution.state, execution.crash_count)


async def test_a_replica_reports_itself_and_signs_off(database: Database) -> None:
    async def is_listed() -> bool:
        async with unit_of_work(database) as session:
            return ["w1"] == [worker.name for worker in await list_workers(session)]

    async with running(database, ScriptedExecutor()):
        await eventually(is_listed)

    assert not await is_listed()
