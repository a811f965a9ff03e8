"""Claiming, renewing and finishing: who holds what, and who may write."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import queue
from stationmaster.domains.executions.models import Breaker, Execution
from stationmaster.domains.executions.queue import Claimed, Result
from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.executions import make_spec, queue_up, read, read_attempts, store

LEASE = timedelta(seconds=15)


async def take(session: AsyncSession, limit: int = 10, worker: str = "w1") -> list[Claimed]:
    candidates = await queue.list_candidates(session, limit=limit, full_hosts=[])
    return await queue.claim(session, [one.id for one in candidates], worker=worker, token=new_id(), lease=LEASE)


def result_of(claimed: Claimed, state: State = State.SUCCEEDED, **facts: Any) -> Result:
    facts = {"state": state, "attempt_state": state, "reason": None, "finished_at": claimed.started_at} | facts
    return Result(id=claimed.id, token=claimed.token, number=claimed.number, started_at=claimed.started_at, **facts)


async def test_claims_what_is_due_in_the_order_of_turns(session: AsyncSession) -> None:
    ids = await queue_up(session, make_spec(), 3)

    candidates = await queue.list_candidates(session, limit=2, full_hosts=[])

    assert ids[:2] == [candidate.id for candidate in candidates]


async def test_a_claim_begins_the_attempt_and_carries_a_lease(session: AsyncSession) -> None:
    [id_] = await queue_up(session, make_spec())

    [claimed] = await take(session)

    execution = await session.get(Execution, id_, populate_existing=True)
    assert execution is not None
    assert (State.RUNNING, 1, claimed.token, "w1") == (
        execution.state, execution.attempt, execution.lease_token, execution.worker
    )  # fmt: skip
    assert execution.started_at == execution.attempt_started_at == claimed.started_at
    assert execution.lease_until is not None
    assert LEASE <= execution.lease_until - claimed.started_at < LEASE + timedelta(seconds=1)


async def test_what_is_held_or_not_due_yet_is_left_alone(session: AsyncSession) -> None:
    later = await database_now(session) + timedelta(minutes=1)
    await queue_up(session, make_spec(), available_at=later)
    await queue_up(session, make_spec(), is_held=True)

    assert [] == await queue.list_candidates(session, limit=10, full_hosts=[])


async def test_hosts_that_are_full_are_passed_over(session: AsyncSession) -> None:
    await queue_up(session, make_spec(host="busy.test:80"))
    [free] = await queue_up(session, make_spec(host="free.test:80"))
    [none] = await queue_up(session, make_spec(host=None))

    candidates = await queue.list_candidates(session, limit=10, full_hosts=["busy.test:80"])

    assert [free, none] == [candidate.id for candidate in candidates]


async def test_executions_behind_a_shut_gate_wait(session: AsyncSession) -> None:
    await queue_up(session, make_spec(host="ill.test:80"))
    session.add(Breaker(host="ill.test:80", failures=9, open_until=await database_now(session)))
    await session.flush()

    assert [] == await queue.list_candidates(session, limit=10, full_hosts=[])
    assert 1 == len(await queue.list_probe(session, "ill.test:80"))


@ONLY_POSTGRESQL
async def test_two_replicas_never_lock_the_same_execution(database: Database) -> None:
    await store(database, make_spec(), 20)

    async with unit_of_work(database) as one, unit_of_work(database) as other:
        first = {c.id for c in await queue.list_candidates(one, limit=10, full_hosts=[])}
        second = {c.id for c in await queue.list_candidates(other, limit=20, full_hosts=[])}

    assert 10 == len(first) == len(second)
    assert not first & second


async def test_claims_at_once_are_disjoint(database: Database) -> None:
    await store(database, make_spec(), 60)

    async def work(worker: str) -> list[UUID]:
        async with unit_of_work(database) as session:
            return [claimed.id for claimed in await take(session, 20, worker)]

    taken = await asyncio.gather(*(work(f"w{number}") for number in range(4)))

    flat = [id_ for ids in taken for id_ in ids]
    assert len(flat) == len(set(flat)) <= 60


async def test_a_result_ends_the_execution_and_records_the_attempt(database: Database) -> None:
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await take(session)
    facts: dict[str, Any] = {"response_status": 200, "result": {"body": "ok"}, "duration_seconds": 0.5}

    async with unit_of_work(database) as session:
        written = await queue.finish(session, [result_of(claimed, **facts)], worker="w1")

    execution, [attempt] = await read(database, id_), await read_attempts(database, id_)
    assert {id_: False} == written
    assert (State.SUCCEEDED, 200, {"body": "ok"}, 0.5) == (
        execution.state, execution.response_status, execution.result, execution.duration_seconds
    )  # fmt: skip
    assert execution.lease_token is None
    assert execution.finished_at == claimed.started_at
    assert (1, State.SUCCEEDED, "w1", 200) == (attempt.number, attempt.state, attempt.worker, attempt.response_status)


async def test_many_results_are_written_at_once_each_to_its_own_row(database: Database) -> None:
    ids = await store(database, make_spec(), 50)
    async with unit_of_work(database) as session:
        claimed = await take(session, 50)
    results = [result_of(one, response_status=200 + index) for index, one in enumerate(claimed)]

    async with unit_of_work(database) as session:
        written = await queue.finish(session, results, worker="w1")

    assert set(ids) == written.keys()
    for result in results:
        assert result.response_status == (await read(database, result.id)).response_status


async def test_text_of_all_kinds_survives_the_way_to_the_row(database: Database) -> None:
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await take(session)
    text = '\'; DROP TABLE executions; -- "quoted" \\ \n äöü 🚉'

    async with unit_of_work(database) as session:
        await queue.finish(session, [result_of(claimed, error=text, result={"body": text})], worker="w1")

    execution = await read(database, id_)
    assert (text, {"body": text}) == (execution.error, execution.result)


async def test_a_result_with_a_foreign_token_is_dropped(database: Database) -> None:
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await take(session)
    late = Result(**{**{name: getattr(result_of(claimed), name) for name in Result.__slots__}, "token": new_id()})

    async with unit_of_work(database) as session:
        written = await queue.finish(session, [late], worker="w1")

    assert {} == written
    assert State.RUNNING is (await read(database, id_)).state
    assert [] == await read_attempts(database, id_)


async def test_writing_a_result_twice_changes_nothing(database: Database) -> None:
    """The answer to a commit can get lost; then the recorder writes again."""
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await take(session)
    async with unit_of_work(database) as session:
        await queue.finish(session, [result_of(claimed)], worker="w1")

    async with unit_of_work(database) as session:
        written = await queue.finish(session, [result_of(claimed, State.FAILED)], worker="w1")

    assert {} == written
    assert State.SUCCEEDED is (await read(database, id_)).state
    assert 1 == len(await read_attempts(database, id_))


async def test_a_retry_goes_back_to_the_queue_for_its_time(database: Database) -> None:
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await take(session)
    again_at = claimed.started_at + timedelta(seconds=30)
    result = result_of(
        claimed, State.QUEUED, attempt_state=State.FAILED, reason=Reason.SERVER_ERROR, available_at=again_at
    )

    async with unit_of_work(database) as session:
        await queue.finish(session, [result], worker="w1")

    execution, [attempt] = await read(database, id_), await read_attempts(database, id_)
    assert (State.QUEUED, again_at, again_at, None) == (
        execution.state, execution.available_at, execution.turn_at, execution.finished_at
    )  # fmt: skip
    assert (State.FAILED, Reason.SERVER_ERROR, again_at) == (attempt.state, attempt.reason, attempt.retry_at)


async def test_a_retry_of_what_was_asked_to_stop_is_cancelled_instead(database: Database) -> None:
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await take(session)
        await session.execute(sa.update(Execution).values(cancel_requested_at=claimed.started_at))
    result = result_of(claimed, State.QUEUED, attempt_state=State.FAILED, available_at=claimed.started_at)

    async with unit_of_work(database) as session:
        await queue.finish(session, [result], worker="w1")

    execution = await read(database, id_)
    assert (State.CANCELLED, Reason.REQUESTED) == (execution.state, execution.reason)
    assert execution.finished_at is not None


async def test_renewing_prolongs_our_leases_and_tells_of_requests_to_stop(database: Database) -> None:
    ids = await store(database, make_spec(), 2)
    async with unit_of_work(database) as session:
        claimed = await take(session)
        asked = sa.update(Execution).where(sa.column("id") == ids[0]).values(cancel_requested_at=claimed[0].started_at)
        await session.execute(asked)

    async with unit_of_work(database) as session:
        ours = await queue.renew(session, tokens={claimed[0].token}, lease=timedelta(hours=1))

    assert {ids[0]: True, ids[1]: False} == ours
    until = (await read(database, ids[1])).lease_until
    assert until is not None
    assert until > claimed[0].started_at + LEASE


async def test_renewing_does_not_touch_what_others_hold(database: Database) -> None:
    await store(database, make_spec())
    async with unit_of_work(database) as session:
        await take(session)

    async with unit_of_work(database) as session:
        assert {} == await queue.renew(session, tokens={new_id()}, lease=LEASE)


async def test_expiring_ends_our_leases_at_once(database: Database) -> None:
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await take(session)

    async with unit_of_work(database) as session:
        await queue.expire(session, {claimed.token})
        now = await database_now(session)

    until = (await read(database, id_)).lease_until
    assert until is not None
    assert until <= now
