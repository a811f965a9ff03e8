"""Who may run beside whom: the four overlap policies, also under a race."""

import asyncio
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import overlap
from stationmaster.domains.executions.models import Execution, Spec
from stationmaster.domains.executions.policies import Overlap
from stationmaster.domains.executions.states import Reason, State
from tests.support.executions import make_spec, queue_up, read, store


def spec_with(policy: str, **fields: Any) -> Spec:
    return make_spec(overlap=Overlap.model_validate({"policy": policy, **fields}))


async def facts(session: AsyncSession, id_: UUID) -> tuple[State, Reason | None, bool]:
    execution = await session.get(Execution, id_, populate_existing=True)
    assert execution is not None
    return execution.state, execution.reason, execution.is_held


async def end(session: AsyncSession, id_: UUID) -> None:
    now = await database_now(session)
    await session.execute(
        sa.update(Execution).where(sa.column("id") == id_).values(state=State.SUCCEEDED, finished_at=now)
    )


async def test_skip_records_the_second_one_as_skipped(session: AsyncSession) -> None:
    first, second = await queue_up(session, spec_with("skip"), 2)

    assert (State.QUEUED, None, False) == await facts(session, first)
    assert (State.SKIPPED, Reason.OVERLAP, False) == await facts(session, second)


async def test_skip_lets_the_next_one_run_when_the_first_has_ended(session: AsyncSession) -> None:
    spec = spec_with("skip")
    [first] = await queue_up(session, spec)
    await end(session, first)

    [second] = await queue_up(session, spec)

    assert (State.QUEUED, None, False) == await facts(session, second)


async def test_allow_lets_all_run(session: AsyncSession) -> None:
    ids = await queue_up(session, spec_with("allow"), 5)

    assert {(State.QUEUED, None, False)} == {await facts(session, id_) for id_ in ids}


async def test_queue_holds_what_must_wait_and_skips_what_is_too_much(session: AsyncSession) -> None:
    ids = await queue_up(session, spec_with("queue", max_running=2, queue_max=1), 4)

    assert [
        (State.QUEUED, None, False),
        (State.QUEUED, None, False),
        (State.QUEUED, None, True),
        (State.SKIPPED, Reason.OVERLAP, False),
    ] == [await facts(session, id_) for id_ in ids]


async def test_held_ones_are_released_oldest_first_as_places_become_free(session: AsyncSession) -> None:
    first, second, third = await queue_up(session, spec_with("queue"), 3)
    await end(session, first)

    released = await overlap.release_held(session)

    assert 1 == released
    assert (State.QUEUED, None, False) == await facts(session, second)
    assert (State.QUEUED, None, True) == await facts(session, third)


async def test_nothing_is_released_while_the_place_is_taken(session: AsyncSession) -> None:
    await queue_up(session, spec_with("queue"), 2)

    assert 0 == await overlap.release_held(session)


async def test_replace_cancels_what_waits_and_asks_what_runs_to_stop(session: AsyncSession) -> None:
    spec = spec_with("replace")
    [running] = await queue_up(session, spec)
    await session.execute(sa.update(Execution).values(state=State.RUNNING))
    [waiting] = await queue_up(session, spec)

    [newest] = await queue_up(session, spec)

    execution = await session.get(Execution, running, populate_existing=True)
    assert execution is not None
    assert (State.RUNNING, Reason.REPLACED) == (execution.state, execution.reason)
    assert execution.cancel_requested_at is not None
    assert (State.CANCELLED, Reason.REPLACED, False) == await facts(session, waiting)
    assert (State.QUEUED, None, True) == await facts(session, newest)


async def test_jobs_that_share_a_key_exclude_each_other(session: AsyncSession) -> None:
    [first] = await queue_up(session, spec_with("skip", key="the-printer"))
    [second] = await queue_up(session, spec_with("skip", key="the-printer"))
    [other] = await queue_up(session, spec_with("skip", key="the-scanner"))

    assert State.QUEUED is (await facts(session, first))[0]
    assert State.SKIPPED is (await facts(session, second))[0]
    assert State.QUEUED is (await facts(session, other))[0]


async def test_many_at_once_never_share_a_place(database: Database) -> None:
    """Two replicas that both see a free place would both take it; the lock of the key forbids it."""
    spec = spec_with("skip")
    async with unit_of_work(database) as session:
        session.add(spec)

    ids = await asyncio.gather(*(store(database, spec) for _ in range(12)))

    states = [(await read(database, id_)).state for [id_] in ids]
    assert 1 == states.count(State.QUEUED)
    assert 11 == states.count(State.SKIPPED)


async def test_ten_thousand_keys_take_few_locks(session: AsyncSession) -> None:
    await overlap.lock_keys(session, [f"job:{number}" for number in range(10_000)])

    if session.get_bind().dialect.name == "postgresql":
        locks = await session.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
        assert overlap.BUCKETS == locks
