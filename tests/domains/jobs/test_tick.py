"""The tick: due slots become executions, all or nothing, once, and only while we lead."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.leases import StaleTerm
from stationmaster.db.notify import Wake, pending_wakes
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Spec
from stationmaster.domains.executions.states import Reason, State, Trigger
from stationmaster.domains.jobs import tick
from stationmaster.domains.jobs.models import Schedule
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.work import (
    HOUR,
    HOURLY,
    be_late,
    lead,
    make_actor,
    make_job,
    read_executions,
    read_schedules,
    run_tick,
    set_schedules,
)

MANY = 1_200  # more than a batch of the tick


class Crash(Exception):
    """The process dies before it has committed."""


async def make_many(database: Database, count: int = MANY) -> Any:
    """Make a job whose schedules are many and all due, without asking the service a thousand times."""
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id)
    [template] = await read_schedules(database, job.id)
    rows = [Schedule.model_validate(template.model_dump(exclude={"id"})).model_dump() for _ in range(count - 1)]
    async with unit_of_work(database) as session:
        await session.execute(sa.insert(Schedule), rows)
    return job


async def test_a_due_slot_becomes_an_execution_and_the_schedule_moves_on(database: Database) -> None:
    job = await make_job(database, schedules=[HOURLY])
    [slot] = await be_late(database, job.id)
    term = await lead(database)

    assert 1 == await run_tick(database, term)

    [execution] = await read_executions(database, job.id)
    [schedule] = await read_schedules(database, job.id)
    assert (State.QUEUED, Trigger.SCHEDULE, slot, schedule.id) == (
        execution.state,
        execution.trigger,
        execution.scheduled_for,
        execution.schedule_id,
    )
    assert (job.spec_id, job.name, job.owner_id, term.epoch) == (
        execution.spec_id,
        execution.job_name,
        execution.owner_id,
        execution.epoch,
    )
    assert (slot + HOUR, slot) == (schedule.next_run_at, schedule.last_slot_at)


async def test_what_is_not_due_is_left_alone(database: Database) -> None:
    job = await make_job(database, schedules=[HOURLY])

    assert 0 == await run_tick(database, await lead(database))
    assert [] == await read_executions(database, job.id)


async def test_a_crash_before_the_commit_leaves_everything_as_it_was(database: Database) -> None:
    """F01: the next leader finds the schedule where it was."""
    job = await make_job(database, schedules=[HOURLY])
    [slot] = await be_late(database, job.id)
    term = await lead(database)

    with suppress(Crash):
        async with unit_of_work(database) as session:
            await tick.tick(session, term)
            raise Crash

    assert [] == await read_executions(database, job.id)
    assert [slot] == [one.next_run_at for one in await read_schedules(database, job.id)]
    assert 1 == await run_tick(database, await lead(database, "next"))


async def test_a_stale_term_writes_nothing(database: Database) -> None:
    """F09: whoever was frozen through a change of leader is refused by the fence."""
    job = await make_job(database, schedules=[HOURLY])
    [slot] = await be_late(database, job.id)
    stale = await lead(database, "frozen")
    await lead(database, "next")

    with pytest.raises(StaleTerm):
        await run_tick(database, stale)

    assert [] == await read_executions(database, job.id)
    assert [slot] == [one.next_run_at for one in await read_schedules(database, job.id)]


async def test_a_slot_is_never_made_twice(database: Database) -> None:
    """Whatever moves a schedule back, the slot's unique key refuses the double, and the schedule moves on."""
    job = await make_job(database, schedules=[HOURLY])
    [slot] = await be_late(database, job.id)
    term = await lead(database)
    await run_tick(database, term)
    await set_schedules(database, job.id, next_run_at=slot)

    assert 1 == await run_tick(database, term)

    assert [slot] == [one.scheduled_for for one in await read_executions(database, job.id)]
    assert [slot + HOUR] == [one.next_run_at for one in await read_schedules(database, job.id)]


async def test_two_leaders_at_once_make_no_double(database: Database) -> None:
    """F11: the election is for economy; that nothing is doubled does not rest on it."""
    job = await make_many(database, 60)
    term = await lead(database)

    await asyncio.gather(*(run_tick(database, term) for _ in range(6)))

    executions = await read_executions(database, job.id)
    assert 60 == len(executions) == len({one.schedule_id for one in executions})


@ONLY_POSTGRESQL
async def test_two_open_ticks_share_the_work_between_them(database: Database) -> None:
    """The second one leaves out what the first one holds, instead of waiting for it."""
    job = await make_many(database, 10)
    term = await lead(database)

    async with unit_of_work(database) as first, unit_of_work(database) as second:
        decided = [await tick.tick(first, term), await tick.tick(second, term)]

    assert [10, 0] == decided
    assert 10 == len(await read_executions(database, job.id))


async def test_more_than_a_batch_takes_several_ticks(database: Database) -> None:
    job = await make_many(database)
    term = await lead(database)

    decided = [await run_tick(database, term) for _ in range(3)]

    assert [tick.BATCH, MANY - tick.BATCH, 0] == decided
    assert MANY == len({one.schedule_id for one in await read_executions(database, job.id)})


async def test_a_clock_that_jumps_a_year_is_caught_up_with_at_once(database: Database) -> None:
    """F13: a thousand minutely schedules and half a billion missed slots are a few statements."""
    job = await make_many(database, tick.BATCH)
    await be_late(database, job.id, count=365 * 1440, every=timedelta(minutes=1))
    term = await lead(database)
    began = time.process_time()

    assert tick.BATCH == await run_tick(database, term)

    assert time.process_time() - began < 2
    executions = await read_executions(database, job.id)
    assert 2 * tick.BATCH == len(executions)
    assert tick.BATCH * 365 * 1440 == sum(one.slot_count for one in executions)


async def test_cron_schedules_that_are_alike_are_calculated_once(database: Database) -> None:
    job = await make_many(database, 300)
    await set_schedules(database, job.id, cron_expression="* * * * *", interval_seconds=None)
    tick._decide_shared.cache_clear()

    assert 300 == await run_tick(database, await lead(database))

    assert 1 == tick._decide_shared.cache_info().misses


async def test_a_schedule_that_cannot_be_evaluated_is_put_aside_alone(database: Database) -> None:
    """F32: one broken row must not stop the others, nor be tried again at every tick."""
    broken = await make_job(database, schedules=[{"cron_expression": "0 * * * *"}])
    sound = await make_job(database, schedules=[HOURLY])
    [slot] = await be_late(database, sound.id)
    await set_schedules(database, broken.id, cron_expression="61 * * * *", next_run_at=slot)
    term = await lead(database)

    assert [2, 0] == [await run_tick(database, term), await run_tick(database, term)]

    [aside] = await read_schedules(database, broken.id)
    assert (1, 0) == (len(await read_executions(database, sound.id)), len(await read_executions(database, broken.id)))
    assert (1, True) == (aside.failures, (aside.last_error or "").startswith("CronError: "))
    assert aside.next_run_at is not None
    assert timedelta(minutes=55) < aside.next_run_at - slot < timedelta(minutes=65)


async def test_a_schedule_that_is_sound_again_accounts_for_the_slots_of_its_rest(database: Database) -> None:
    job = await make_job(database, schedules=[HOURLY])
    slots = await be_late(database, job.id, count=5)
    term = await lead(database)
    await set_schedules(database, job.id, timezone="Mars/Base", cron_expression="0 * * * *", interval_seconds=None)
    await run_tick(database, term)
    await set_schedules(
        database,
        job.id,
        timezone="UTC",
        cron_expression=None,
        interval_seconds=3600,
        next_run_at=slots[-1],
        updated_at=slots[0] - HOUR,
    )

    await run_tick(database, term)

    [merged, run] = await read_executions(database, job.id)
    [schedule] = await read_schedules(database, job.id)
    assert (slots[0], 4, slots[4]) == (merged.scheduled_for, merged.slot_count, run.scheduled_for)
    assert (0, None) == (schedule.failures, schedule.last_error)


async def test_the_params_of_a_schedule_are_laid_over_the_target(database: Database) -> None:
    target = {"type": "webhook", "url": "https://receiver.example/", "body": {"report": "daily", "day": "today"}}
    job = await make_job(database, target=target, schedules=[HOURLY | {"params": {"day": "monday"}}, HOURLY])
    await be_late(database, job.id)

    await run_tick(database, await lead(database))

    async with read_only(database) as session:
        found = {
            (one.params or {}).get("day"): (await session.get_one(Spec, one.spec_id)).target["body"]
            for one in await read_executions(database, job.id)
        }
    assert {"monday": {"report": "daily", "day": "monday"}, None: target["body"]} == found


async def test_a_slot_that_was_decided_leaves_no_mark_of_a_change(database: Database) -> None:
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id)
    [before] = await read_schedules(database, job.id)

    await run_tick(database, await lead(database))

    [after] = await read_schedules(database, job.id)
    assert before.updated_at == after.updated_at
    assert before.next_run_at != after.next_run_at


async def test_the_last_slot_of_a_schedule_leaves_it_without_a_next_one(database: Database) -> None:
    async with read_only(database) as session:
        soon = await database_now(session) + HOUR
    job = await make_job(database, schedules=[{"run_at": soon}])
    await set_schedules(database, job.id, run_at=soon - 2 * HOUR, next_run_at=soon - 2 * HOUR)
    term = await lead(database)

    assert [1, 0] == [await run_tick(database, term), await run_tick(database, term)]

    assert [None] == [one.next_run_at for one in await read_schedules(database, job.id)]
    assert [Reason.TOO_LATE] == [one.reason for one in await read_executions(database, job.id)]


async def test_an_owner_with_a_thousand_slots_does_not_make_another_wait(database: Database) -> None:
    """F20: the turns of two owners lie between each other, whoever has more."""
    many = await make_many(database, tick.BATCH - 1)
    single = await make_job(database, actor=await make_actor(database), schedules=[HOURLY])
    await be_late(database, single.id)

    await run_tick(database, await lead(database))

    [mine] = await read_executions(database, single.id)
    in_line = sorted([*await read_executions(database, many.id), mine], key=lambda one: (one.turn_at, one.id))
    assert in_line.index(mine) <= 1


async def test_the_runners_are_woken(database: Database) -> None:
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id)
    term = await lead(database)

    async with unit_of_work(database) as own:
        await tick.tick(own, term)

        assert Wake.QUEUE in pending_wakes(own)


async def test_the_time_to_the_next_slot_is_told_on_the_databases_clock(database: Database) -> None:
    async with read_only(database) as session:
        assert await tick.seconds_to_next(session) is None
    job = await make_job(database, schedules=[HOURLY, HOURLY])
    await be_late(database, job.id, by=timedelta(seconds=30))

    async with read_only(database) as session:
        assert -40 < (await tick.seconds_to_next(session) or 0) < -29
        assert 1 == await tick.count_planned_jobs(session)
