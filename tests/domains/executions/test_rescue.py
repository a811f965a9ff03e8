"""What becomes of work whose replica went away."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import queue
from stationmaster.domains.executions.models import Execution, OnLost, Spec
from stationmaster.domains.executions.rescue import POISON_CRASHES, rescue
from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit.ids import new_id
from tests.support.executions import make_spec, read, read_attempts, store


async def begin(database: Database, spec: Spec, lease_seconds: float = -1, **columns: Any) -> UUID:
    """Queue an execution and let a replica claim it whose lease has run out."""
    [id_] = await store(database, spec)
    lease = timedelta(seconds=lease_seconds)
    async with unit_of_work(database) as session:
        await queue.claim(session, [id_], worker="dead", token=new_id(), lease=lease)
        if columns:
            await session.execute(sa.update(Execution).values(**columns))
    return id_


async def rescue_all(database: Database) -> int:
    async with unit_of_work(database) as session:
        return await rescue(session)


async def test_an_expired_execution_returns_to_the_queue_and_its_attempt_is_lost(database: Database) -> None:
    id_ = await begin(database, make_spec())

    touched = await rescue_all(database)

    execution, [attempt] = await read(database, id_), await read_attempts(database, id_)
    assert (1, State.QUEUED, 1, None) == (touched, execution.state, execution.crash_count, execution.lease_token)
    assert (State.LOST, Reason.LOST, "dead", 1) == (attempt.state, attempt.reason, attempt.worker, attempt.number)


async def test_an_execution_whose_lease_is_good_is_left_alone(database: Database) -> None:
    id_ = await begin(database, make_spec(), lease_seconds=15)

    assert 0 == await rescue_all(database)
    assert State.RUNNING is (await read(database, id_)).state


async def test_a_job_that_says_fail_is_lost(database: Database) -> None:
    id_ = await begin(database, make_spec(on_lost=OnLost.FAIL))

    await rescue_all(database)

    execution = await read(database, id_)
    assert (State.LOST, Reason.LOST) == (execution.state, execution.reason)
    assert execution.finished_at is not None
    assert "unknown" in (execution.error or "")


@pytest.mark.parametrize("on_lost", list(OnLost))
async def test_what_was_asked_to_stop_is_cancelled(database: Database, on_lost: OnLost) -> None:
    id_ = await begin(database, make_spec(on_lost=on_lost), cancel_requested_at=sa.func.current_timestamp())

    await rescue_all(database)

    execution = await read(database, id_)
    assert (State.CANCELLED, Reason.REQUESTED) == (execution.state, execution.reason)


async def test_what_saw_too_many_replicas_die_is_poison(database: Database) -> None:
    id_ = await begin(database, make_spec(), crash_count=POISON_CRASHES - 1)

    await rescue_all(database)

    execution = await read(database, id_)
    assert (State.FAILED, Reason.POISON, POISON_CRASHES) == (execution.state, execution.reason, execution.crash_count)


async def test_the_late_result_of_the_dead_replica_is_dropped(database: Database) -> None:
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await queue.claim(session, [id_], worker="w", token=new_id(), lease=timedelta(seconds=-1))
    await rescue_all(database)
    late = queue.Result(
        id=id_,
        token=claimed.token,
        number=1,
        state=State.SUCCEEDED,
        attempt_state=State.SUCCEEDED,
        reason=None,
        started_at=claimed.started_at,
        finished_at=claimed.started_at,
    )

    async with unit_of_work(database) as session:
        assert {} == await queue.finish(session, [late], worker="w")
    assert State.QUEUED is (await read(database, id_)).state


async def test_rescuing_twice_counts_once(database: Database) -> None:
    id_ = await begin(database, make_spec())

    assert [1, 0] == [await rescue_all(database), await rescue_all(database)]
    assert 1 == (await read(database, id_)).crash_count
