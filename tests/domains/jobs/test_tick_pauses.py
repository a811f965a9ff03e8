"""Pauses: their slots pass without a run, recorded as one range, whoever ends them and when."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.leases import Term
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.jobs import tick
from stationmaster.domains.jobs.models import Job
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.work import (
    HOUR,
    HOURLY,
    lead,
    let_pass,
    make_job,
    read_executions,
    read_job,
    read_schedules,
    run_tick,
    set_job,
)

PAUSED = (State.SKIPPED, Reason.PAUSED)
RUN = (State.QUEUED, None)


async def make_paused(database: Database, *, hours: float | None = None) -> Job:
    """Make an hourly job that pauses from now on, perhaps for so many hours."""
    job = await make_job(database, schedules=[HOURLY])
    [schedule] = await read_schedules(database, job.id)
    until = schedule.anchor_at + hours * HOUR if hours else None
    await set_job(database, job.id, paused_at=schedule.anchor_at, paused_until=until, pause_reason="maintenance")
    return job


async def tell(database: Database, job_id: UUID) -> list[tuple[State, Reason | None, int]]:
    return [(one.state, one.reason, one.slot_count) for one in await read_executions(database, job_id)]


async def decide(database: Database, term: Term) -> int:
    """Tick without ending pauses, as when more than a batch is due."""
    async with unit_of_work(database) as session:
        return await tick.tick(session, term)


async def test_the_slots_of_a_pause_are_one_range_that_grows(database: Database) -> None:
    job = await make_paused(database)
    term = await lead(database)
    seen = []

    for hours in (1.5, 1, 3):
        await let_pass(database, job.id, hours * HOUR)
        await run_tick(database, term)
        seen.append(await tell(database, job.id))

    assert [[(*PAUSED, 1)], [(*PAUSED, 2)], [(*PAUSED, 5)]] == seen
    [row] = await read_executions(database, job.id)
    assert row.scheduled_for is not None
    assert row.scheduled_for + 4 * HOUR == row.slot_until


async def test_a_pause_ends_by_itself_and_what_comes_after_runs(database: Database) -> None:
    job = await make_paused(database, hours=2.5)
    await let_pass(database, job.id, 3.5 * HOUR)
    term = await lead(database)

    assert [1, 1, 0] == [await run_tick(database, term) for _ in range(3)]

    ended = await read_job(database, job.id)
    assert [(*PAUSED, 2), (*RUN, 1)] == await tell(database, job.id)
    assert (None, None, None) == (ended.paused_at, ended.paused_until, ended.pause_reason)


async def test_a_slot_at_the_very_end_of_a_pause_runs(database: Database) -> None:
    """It is decided in the first tick: a batch full of such slots would else be read again for ever."""
    job = await make_paused(database, hours=2)
    term = await lead(database)
    await let_pass(database, job.id, 1.5 * HOUR)
    await decide(database, term)
    await let_pass(database, job.id, HOUR)

    assert [1, 0] == [await decide(database, term), await decide(database, term)]
    assert [(*PAUSED, 1), (*RUN, 1)] == await tell(database, job.id)


async def test_slots_missed_after_a_pause_are_no_part_of_its_range(database: Database) -> None:
    job = await make_paused(database, hours=2.5)
    term = await lead(database)
    await let_pass(database, job.id, 1.5 * HOUR)
    await decide(database, term)
    await let_pass(database, job.id, 5 * HOUR)

    assert [1, 1, 0] == [await decide(database, term) for _ in range(3)]
    assert [(*PAUSED, 2), (State.SKIPPED, Reason.MERGED, 3), (*RUN, 1)] == await tell(database, job.id)


async def test_a_second_pause_has_a_range_of_its_own(database: Database) -> None:
    job = await make_paused(database, hours=1.5)
    term = await lead(database)
    await let_pass(database, job.id, 2.5 * HOUR)
    for _ in range(2):
        await run_tick(database, term)
    [schedule] = await read_schedules(database, job.id)
    await set_job(database, job.id, paused_at=schedule.last_slot_at)
    await let_pass(database, job.id, HOUR)

    await run_tick(database, term)

    assert [(*PAUSED, 1), (*RUN, 1), (*PAUSED, 1)] == await tell(database, job.id)


@pytest.mark.parametrize(("hours", "passed"), [(2.5, 1.5), (None, 5)])
async def test_a_pause_that_is_not_over_goes_on(database: Database, hours: float | None, passed: float) -> None:
    job = await make_paused(database, hours=hours)
    await let_pass(database, job.id, passed * HOUR)

    await run_tick(database, await lead(database))

    assert (await read_job(database, job.id)).paused_at is not None


async def test_a_pause_is_not_ended_before_its_last_slots_are_recorded(database: Database) -> None:
    job = await make_paused(database, hours=1.5)
    await let_pass(database, job.id, 2 * HOUR)

    async with unit_of_work(database) as session:
        await tick.end_pauses(session)

    assert (await read_job(database, job.id)).paused_at is not None


async def test_a_job_without_schedules_pauses_too(database: Database) -> None:
    job = await make_job(database)
    async with unit_of_work(database) as session:
        now = await database_now(session)
    await set_job(database, job.id, paused_at=now - HOUR, paused_until=now - timedelta(seconds=1))

    await run_tick(database, await lead(database))

    assert (await read_job(database, job.id)).paused_at is None


@ONLY_POSTGRESQL
async def test_the_tick_does_not_wait_for_a_job_that_is_being_changed(database: Database) -> None:
    job = await make_paused(database, hours=1)
    other = await make_paused(database, hours=1)
    for one in (job, other):
        await let_pass(database, one.id, 1.5 * HOUR)
    term = await lead(database)

    async with unit_of_work(database) as session:
        await session.execute(select(Job).where(Job.id == job.id).with_for_update(key_share=True))
        async with asyncio.timeout(2):
            await run_tick(database, term)

    assert [(*RUN, 1)] == await tell(database, job.id)
    assert [False, True] == [(await read_job(database, one.id)).paused_at is None for one in (job, other)]
