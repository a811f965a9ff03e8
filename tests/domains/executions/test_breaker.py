"""The gate of a target host: shut after many failures, one probe, open again."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import RunnerSettings
from stationmaster.db.clock import database_now
from stationmaster.domains.executions import breaker
from stationmaster.domains.executions.executor import Outcome
from stationmaster.domains.executions.models import Breaker
from stationmaster.domains.executions.states import Reason, State
from tests.support.executions import make_spec, queue_up

HOST = "ill.test:443"
SETTINGS = RunnerSettings(breaker_failures=3, breaker_open=timedelta(seconds=60))


async def gate(session: AsyncSession) -> Breaker | None:
    return await session.get(Breaker, HOST, populate_existing=True)


async def shift(session: AsyncSession, seconds: float) -> None:
    """Let time pass for the gate."""
    await session.execute(
        sa.update(Breaker).values(open_until=await database_now(session) - timedelta(seconds=seconds))
    )


@pytest.mark.parametrize(
    ("kind", "outcome", "expected"),
    [
        ("webhook", Outcome(State.SUCCEEDED, response_status=200), False),
        ("webhook", Outcome(State.FAILED, Reason.SERVER_ERROR, response_status=500), False),
        ("webhook", Outcome(State.FAILED, Reason.SERVER_ERROR, response_status=503), True),
        ("webhook", Outcome(State.FAILED, Reason.CLIENT_ERROR, response_status=404), False),
        ("webhook", Outcome(State.FAILED, Reason.NETWORK_ERROR), True),
        ("webhook", Outcome(State.TIMED_OUT, Reason.TIMEOUT), True),
        ("docker", Outcome(State.TIMED_OUT, Reason.TIMEOUT), False),
        ("docker", Outcome(State.FAILED, Reason.NETWORK_ERROR), True),
        ("webhook", Outcome(State.FAILED, Reason.BLOCKED), False),
        ("webhook", Outcome(State.CANCELLED, Reason.REQUESTED), False),
    ],
)
def test_tells_an_unwell_host_from_an_unwelcome_answer(kind: str, outcome: Outcome, *, expected: bool) -> None:
    assert expected is breaker.is_host_unwell(kind, outcome)


async def test_few_failures_leave_the_gate_open(session: AsyncSession) -> None:
    await breaker.count_failures(session, {HOST: 2}, SETTINGS)

    row = await gate(session)
    assert row is not None
    assert (2, None) == (row.failures, row.open_until)


async def test_too_many_in_a_row_shut_it(session: AsyncSession) -> None:
    await breaker.count_failures(session, {HOST: 2}, SETTINGS)
    await breaker.count_failures(session, {HOST: 1}, SETTINGS)

    row = await gate(session)
    assert row is not None
    assert row.open_until is not None
    assert row.open_until > await database_now(session) + timedelta(seconds=50)


async def test_a_success_opens_it_and_forgets(session: AsyncSession) -> None:
    await breaker.count_failures(session, {HOST: 3}, SETTINGS)

    await breaker.clear(session, {HOST})

    assert await gate(session) is None
    assert set() == await breaker.list_hosts(session)


async def test_one_replica_may_probe_when_the_time_is_over(session: AsyncSession) -> None:
    await breaker.count_failures(session, {HOST: 3}, SETTINGS)
    await queue_up(session, make_spec(host=HOST))
    before = await breaker.take_probes(session)
    await shift(session, 1)

    assert [] == before
    assert [[HOST], []] == [await breaker.take_probes(session), await breaker.take_probes(session)]


async def test_nobody_probes_without_work_for_the_host(session: AsyncSession) -> None:
    await breaker.count_failures(session, {HOST: 3}, SETTINGS)
    await shift(session, 1)

    assert [] == await breaker.take_probes(session)


async def test_a_failed_probe_doubles_the_time_up_to_a_limit(session: AsyncSession) -> None:
    seconds = []
    for _ in range(6):
        await breaker.count_failures(session, {HOST: 3}, SETTINGS)
        row = await gate(session)
        assert row is not None
        seconds.append(row.open_seconds)
        await shift(session, 1)

    assert [60, 120, 240, 480, 900, 900] == seconds


async def test_idle_gates_are_forgotten_after_a_day(session: AsyncSession) -> None:
    await breaker.count_failures(session, {HOST: 3}, SETTINGS)
    await shift(session, 86_500)

    await breaker.forget_idle(session)

    assert await gate(session) is None
