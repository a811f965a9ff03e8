"""What the runner does with its leases."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.kit.ids import new_id
from tests.domains.executions.test_runner import is_quiet, running
from tests.support.executions import ScriptedExecutor, ended, eventually, make_spec, read, read_attempts, store


async def test_a_flight_that_is_not_ours_any_more_stops_and_says_nothing(database: Database) -> None:
    executor = ScriptedExecutor(gate=asyncio.Event())
    [id_] = await store(database, make_spec())

    async with running(database, executor, lease=timedelta(seconds=2)):
        await executor.began.wait()
        async with unit_of_work(database) as session:
            await session.execute(sa.update(Execution).values(lease_token=new_id(), worker="w2"))
        await eventually(lambda: is_quiet(executor))

    execution = await read(database, id_)
    assert (State.RUNNING, "w2") == (execution.state, execution.worker)
    assert [] == await read_attempts(database, id_)


async def test_with_the_shortest_lease_work_may_last_longer(database: Database) -> None:
    executor = ScriptedExecutor(gate=asyncio.Event())
    [id_] = await store(database, make_spec())

    async with running(database, executor, lease=timedelta(seconds=2)):
        await executor.began.wait()
        await asyncio.sleep(2.5)
        assert executor.gate is not None
        executor.gate.set()
        execution = await ended(database, id_)

    assert (State.SUCCEEDED, 1) == (execution.state, execution.attempt)
