"""Old executions are forgotten; slots are not freed, and what is still needed stays."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.retention import Rule
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.jobs.ledger_check import find_violations
from stationmaster.domains.jobs.retention import rules
from stationmaster.domains.runs.retention import is_held
from stationmaster.entrypoints.scheduler.leader import LEASE
from stationmaster.kit import clock
from stationmaster.retention_settings import RetentionSettings
from tests.support.executions import make_spec, store
from tests.support.work import (
    ALLOW,
    HOUR,
    HOURLY,
    be_late,
    lead,
    let_pass,
    make_job,
    read_executions,
    read_schedules,
    run_tick,
    set_job,
    set_schedules,
)

ALL_RUN = {"policy": "all", "max_lateness_seconds": 86_400}
executions = table_of(Execution)


def rule_of(name: str, **settings: Any) -> Rule:
    [rule] = [rule for rule in rules(RetentionSettings.model_validate(settings), is_held) if rule.name == name]
    return rule


async def remove(
    database: Database, *, before: datetime, limit: int = 1000, name: str = "executions", **settings: Any
) -> int:
    """Apply a rule; what it removes it must have counted before."""
    rule = rule_of(name, **settings)
    async with unit_of_work(database) as session:
        counted = await rule.count(session, before, limit)
        removed = await rule.remove(session, before, limit)
    assert counted == removed
    return removed


async def end_all(database: Database, **columns: Any) -> None:
    """Let all executions have ended when they were queued."""
    values = {"state": State.CANCELLED, "reason": Reason.REQUESTED, "finished_at": executions.c.queued_at} | columns
    async with unit_of_work(database) as session:
        await session.execute(sa.update(executions).where(executions.c.finished_at.is_(None)).values(values))


async def decide_slots(database: Database, count: int = 5) -> tuple[UUID, list[datetime]]:
    """Make a job as old as its slots, whose executions have all ended; return its id and the slots."""
    job = await make_job(database, schedules=[HOURLY], misfire=ALL_RUN, overlap=ALLOW)
    slots = await be_late(database, job.id, count=count)
    await set_schedules(database, job.id, updated_at=slots[0] - HOUR)
    await run_tick(database, await lead(database))
    await end_all(database)
    return job.id, slots


async def later(database: Database) -> datetime:
    async with read_only(database) as session:
        return await database_now(session) + HOUR


async def slots_of(database: Database, job_id: UUID) -> list[datetime | None]:
    return [execution.scheduled_for for execution in await read_executions(database, job_id)]


async def test_what_is_old_is_removed_and_no_slot_is_made_again(database: Database) -> None:
    job_id, slots = await decide_slots(database)
    removed = await remove(database, before=await later(database))
    await run_tick(database, await lead(database))

    [schedule] = await read_schedules(database, job_id)
    assert (5, []) == (removed, await read_executions(database, job_id))
    assert slots[-1] == schedule.last_slot_at == schedule.swept_until


async def test_the_auditor_misses_nothing_that_was_removed(database: Database) -> None:
    job_id, slots = await decide_slots(database)
    await remove(database, before=await later(database), limit=2)

    assert slots[2:] == await slots_of(database, job_id)
    assert [] == [finding async for finding in find_violations(database, lease=LEASE)]


async def test_the_auditor_still_finds_what_is_missing_after_that(database: Database) -> None:
    _, slots = await decide_slots(database)
    await remove(database, before=await later(database), limit=2)
    async with unit_of_work(database) as session:
        await session.execute(sa.delete(executions).where(executions.c.scheduled_for == slots[3]))

    assert ["complete"] == [finding.rule async for finding in find_violations(database, lease=LEASE)]


async def test_a_sweep_is_no_change_of_the_schedule(database: Database) -> None:
    job_id, _ = await decide_slots(database)
    [before] = await read_schedules(database, job_id)
    await remove(database, before=await later(database))

    [after] = await read_schedules(database, job_id)
    assert before.updated_at == after.updated_at


async def test_what_is_young_or_not_ended_stays(database: Database) -> None:
    await store(database, make_spec(), 2)
    assert 0 == await remove(database, before=await later(database))
    await end_all(database)

    assert 0 == await remove(database, before=clock.now() - HOUR)


async def test_attempts_go_with_their_execution(database: Database) -> None:
    (id_,) = await store(database, make_spec())
    now = clock.now()
    attempt = Attempt(execution_id=id_, number=1, worker="w", state=State.FAILED, started_at=now, finished_at=now)
    async with unit_of_work(database) as session:
        session.add(attempt)
    await end_all(database)
    await remove(database, before=await later(database))

    async with read_only(database) as session:
        assert 0 == await session.scalar(sa.select(sa.func.count()).select_from(Attempt))


@pytest.mark.parametrize("still_needed", [{"is_watched": True}, {"retry_of": "self"}])
async def test_what_something_needs_stays(database: Database, still_needed: dict[str, Any]) -> None:
    """An end that nobody has followed yet, and an execution that a retry names."""
    first, second = await store(database, make_spec(), 2)
    await end_all(database)
    columns = {"retry_of": first} if "retry_of" in still_needed else still_needed
    async with unit_of_work(database) as session:
        await session.execute(sa.update(executions).where(executions.c.id == second).values(columns))

    assert 1 == await remove(database, before=await later(database))


async def test_the_record_of_a_pause_under_way_stays(database: Database) -> None:
    job_id, _ = await decide_slots(database)
    await set_job(database, job_id, paused_at=clock.now())
    await let_pass(database, job_id, 3 * HOUR)
    await run_tick(database, await lead(database))
    await remove(database, before=await later(database))
    await let_pass(database, job_id, 3 * HOUR)
    await run_tick(database, await lead(database))

    [pause] = await read_executions(database, job_id)
    assert (Reason.PAUSED, 6) == (pause.reason, pause.slot_count)


@pytest.mark.parametrize(("most", "left"), [(2, 2), (5, 5), (9, 5)])
async def test_of_each_job_the_newest_stay(database: Database, most: int, left: int) -> None:
    job_id, slots = await decide_slots(database)
    other_id, _ = await decide_slots(database, count=2)
    await remove(database, before=clock.now(), name="executions_per_job", executions_per_job=most)

    assert slots[-left:] == await slots_of(database, job_id)
    assert 2 == len(await read_executions(database, other_id))
    assert [] == [finding async for finding in find_violations(database, lease=LEASE)]
