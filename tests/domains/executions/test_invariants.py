"""The auditor of the engine: silent while all is well, and loud about each row that breaks a promise."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db import leases
from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import invariants, queue
from stationmaster.domains.executions.invariants import Finding, find_violations
from stationmaster.domains.executions.models import Attempt, Breaker, Execution, Worker
from stationmaster.domains.executions.queue import Result
from stationmaster.domains.executions.states import Reason, State, Trigger
from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.executions import make_spec, store

LEASE = "the leader"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
executions = table_of(Execution)
attempts = table_of(Attempt)


async def find_all(database: Database) -> list[Finding]:
    return [finding async for finding in find_violations(database, lease=LEASE)]


async def find_rules(database: Database) -> set[str]:
    return {finding.rule for finding in await find_all(database)}


async def alter(database: Database, id_: UUID, **columns: Any) -> None:
    """Change an execution by hand; times are given as the time they lie from now."""
    async with unit_of_work(database) as session:
        now = await database_now(session)
        values = {name: now + value if isinstance(value, timedelta) else value for name, value in columns.items()}
        await session.execute(sa.update(executions).where(executions.c.id == id_).values(**values))


async def claim(database: Database, **facts: Any) -> UUID:
    """Queue an execution and begin its first attempt."""
    [id_] = await store(database, make_spec(), **facts)
    async with unit_of_work(database) as session:
        await queue.claim(session, [id_], worker="station-1", token=UUID(int=7), lease=15 * SECOND)
    return id_


async def finish(database: Database, state: State = State.SUCCEEDED) -> UUID:
    """Queue an execution, begin its first attempt and end it."""
    id_ = await claim(database)
    async with unit_of_work(database) as session:
        now = await database_now(session)
        reason = None if state is State.SUCCEEDED else Reason.SERVER_ERROR
        result = Result(id_, UUID(int=7), 1, state, state, reason, now, now, 0.1)
        await queue.finish(session, [result], worker="station-1")
    return id_


async def employ(database: Database, *, in_flight: int = 0, since: timedelta = HOUR) -> None:
    """Report a living replica."""
    async with unit_of_work(database) as session:
        now = await database_now(session)
        session.add(Worker(name="station-1", started_at=now - since, seen_at=now, in_flight=in_flight))


async def test_what_the_engine_writes_is_fine(database: Database) -> None:
    await employ(database)
    await store(database, make_spec())
    await claim(database)
    await finish(database)
    failed = await finish(database, State.FAILED)
    await alter(database, (await store(database, make_spec()))[0], trigger=Trigger.RETRY, retry_of=failed)

    assert [] == await find_all(database)


@pytest.mark.parametrize("columns", [{"finished_at": None}, {"state": State.QUEUED}])
async def test_an_end_and_a_final_state_belong_together(database: Database, columns: dict[str, Any]) -> None:
    await alter(database, await finish(database), **columns)

    assert {"ended"} == await find_rules(database)


@pytest.mark.parametrize("column", ["lease_token", "lease_until", "worker", "attempt_started_at"])
async def test_what_runs_has_a_lease(database: Database, column: str) -> None:
    await alter(database, await claim(database), **{column: None})

    assert {"leased"} == await find_rules(database)


@pytest.mark.parametrize("columns", [{"lease_token": UUID(int=1)}, {"lease_until": SECOND}])
async def test_what_does_not_run_has_no_lease(database: Database, columns: dict[str, Any]) -> None:
    await alter(database, await finish(database), **columns)
    [queued] = await store(database, make_spec())
    await alter(database, queued, **columns)

    assert ["leased", "leased"] == [finding.rule for finding in await find_all(database)]


@pytest.mark.parametrize("attempt", [0, 2])
async def test_attempts_are_on_record(database: Database, attempt: int) -> None:
    await alter(database, await finish(database, State.FAILED), attempt=attempt)

    assert {"attempts"} == await find_rules(database)


async def test_the_attempt_under_way_is_not_on_record_yet(database: Database) -> None:
    await alter(database, await claim(database), attempt=2)

    assert {"attempts"} == await find_rules(database)


@pytest.mark.parametrize("columns", [{"number": 2}, {"state": State.FAILED}])
async def test_a_success_has_its_attempt(database: Database, columns: dict[str, Any]) -> None:
    await finish(database)
    async with unit_of_work(database) as session:
        await session.execute(sa.update(attempts).values(**columns))

    assert {"attempts"} == await find_rules(database)


@pytest.mark.parametrize(
    "columns",
    [
        {"trigger": Trigger.SCHEDULE},
        {"trigger": Trigger.SCHEDULE, "schedule_id": UUID(int=1)},
        {"schedule_id": UUID(int=1)},
        {"slot_count": 2},
        {"scheduled_for": -HOUR, "slot_until": SECOND, "slot_count": 2},
    ],
    ids=["no schedule", "no slot", "a schedule though by hand", "a count without a range", "a range that ran"],
)
async def test_slots_are_named_as_they_must(database: Database, columns: dict[str, Any]) -> None:
    await alter(database, await finish(database), **columns)

    assert {"slotted"} == await find_rules(database)


@pytest.mark.parametrize(
    "columns",
    [{"trigger": Trigger.RETRY}, {"retry_of": UUID(int=1)}, {"trigger": Trigger.RETRY, "retry_of": UUID(int=1)}],
    ids=["a retry of nothing", "no retry", "of something that is not there"],
)
async def test_a_retry_names_what_it_repeats(database: Database, columns: dict[str, Any]) -> None:
    await alter(database, await finish(database), **columns)

    assert {"retried"} == await find_rules(database)


async def test_what_nobody_rescues_is_found_while_a_replica_lives(database: Database) -> None:
    await alter(database, await claim(database), lease_until=-2 * MINUTE)
    assert set() == await find_rules(database)

    await employ(database)
    assert {"rescued"} == await find_rules(database)


async def test_a_replica_that_has_just_started_is_given_time(database: Database) -> None:
    await alter(database, await claim(database), lease_until=-2 * MINUTE)
    await employ(database, since=SECOND)

    assert set() == await find_rules(database)


async def test_what_nobody_claims_is_found_while_a_replica_is_idle(database: Database) -> None:
    [id_] = await store(database, make_spec())
    await alter(database, id_, available_at=-10 * MINUTE)
    assert set() == await find_rules(database)

    await employ(database)
    assert {"claimed"} == await find_rules(database)


async def test_a_long_queue_before_a_busy_replica_is_no_fault(database: Database) -> None:
    [id_] = await store(database, make_spec())
    await alter(database, id_, available_at=-10 * MINUTE)
    await employ(database, in_flight=256)

    assert set() == await find_rules(database)


async def test_what_is_held_or_waits_for_a_shut_host_is_no_fault(database: Database) -> None:
    held, waiting = await store(database, make_spec(), 2)
    await alter(database, held, is_held=True, available_at=-10 * MINUTE)
    await alter(database, waiting, available_at=-10 * MINUTE)
    await employ(database)
    async with unit_of_work(database) as session:
        session.add(Breaker(host="receiver.test:80", failures=9, open_until=await database_now(session) + HOUR))

    assert set() == await find_rules(database)


async def decide(database: Database, epoch: int, queued_at: timedelta) -> None:
    """Store what the leader of a term decided at a time."""
    id_ = await finish(database)
    slot = {"trigger": Trigger.SCHEDULE, "schedule_id": new_id(), "scheduled_for": queued_at}
    await alter(database, id_, epoch=epoch, queued_at=queued_at, **slot)


async def hold(database: Database, terms: int) -> None:
    """Let so many leaders follow each other."""
    for number in range(terms):
        async with unit_of_work(database) as session:
            await leases.acquire(session, name=LEASE, holder=f"station-{number}", ttl=timedelta(0))


async def test_terms_that_follow_each_other_are_fine(database: Database) -> None:
    await hold(database, 3)
    for epoch, at in ((1, -4 * HOUR), (1, -3 * HOUR), (3, -2 * HOUR), (3, -HOUR)):
        await decide(database, epoch, at)

    assert [] == await find_all(database)


async def test_an_old_term_that_decides_after_a_new_one_is_found(database: Database) -> None:
    await hold(database, 3)
    for epoch, at in ((1, -4 * HOUR), (2, -3 * HOUR), (1, -2 * HOUR), (3, -HOUR)):
        await decide(database, epoch, at)

    assert [("terms", "term 1")] == [(finding.rule, finding.subject) for finding in await find_all(database)]


async def test_a_term_that_never_was_is_found(database: Database) -> None:
    await hold(database, 1)
    await decide(database, 2, -HOUR)

    assert [("terms", "term 2")] == [(finding.rule, finding.subject) for finding in await find_all(database)]


@ONLY_POSTGRESQL
async def test_an_idle_transaction_is_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "IDLE_IN_TRANSACTION", timedelta(0))
    async with unit_of_work(database) as session:
        await session.execute(sa.text("SELECT 1"))
        [finding] = await find_all(database)

    assert ("transactions", True) == (finding.rule, "stationmaster" in finding.subject)


async def test_windows_join_without_a_seam(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "WINDOW", 2)
    broken = [await finish(database) for _ in range(5)]
    for id_ in broken:
        await alter(database, id_, finished_at=None)

    assert [f"execution {id_}" for id_ in broken] == [finding.subject for finding in await find_all(database)]


async def test_a_finding_says_what_is_wrong(database: Database) -> None:
    await alter(database, await finish(database), finished_at=None)

    assert ["state is succeeded, finished_at is none"] == [finding.detail for finding in await find_all(database)]
