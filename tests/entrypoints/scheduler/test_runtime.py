"""The scheduler of a replica: it wakes in time, goes on after failures, and stops cleanly."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import select

from stationmaster.config import Settings
from stationmaster.db import notify
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.leases import Lease
from stationmaster.db.notify import Wake
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.jobs import tick
from stationmaster.entrypoints.scheduler import runtime
from stationmaster.entrypoints.scheduler.duties import Duty
from stationmaster.telemetry import metrics
from tests.entrypoints.scheduler.replicas import MOMENT, QUICK, Counter, is_true, leads, make_scheduler, running
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.executions import eventually
from tests.support.work import HOURLY, be_late, count_rows, lead, make_job, read_executions


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"scheduler_enabled": True, "leader": QUICK})


@pytest.fixture
def no_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scheduler look at nothing by itself: what it does then, it does because it was woken, or had aimed."""
    monkeypatch.setattr(runtime, "LOOK_EVERY", timedelta(hours=1))


async def executed(database: Database, job_id: UUID, count: int = 1) -> None:
    """Wait until a job has executions."""

    async def has() -> bool:
        return len(await read_executions(database, job_id)) >= count

    await eventually(has)


async def wake(database: Database) -> None:
    async with unit_of_work(database) as session:
        notify.notify(session, Wake.TICK)


async def test_what_is_due_is_decided(database: Database, settings: Settings) -> None:
    job = await make_job(database, schedules=[HOURLY])
    [slot] = await be_late(database, job.id)

    async with running(make_scheduler(database, settings)):
        await executed(database, job.id)

    assert [slot] == [one.scheduled_for for one in await read_executions(database, job.id)]


@pytest.mark.usefixtures("no_looking")
async def test_a_slot_is_aimed_at_and_never_decided_early(database: Database, settings: Settings) -> None:
    job = await make_job(database)
    async with running(make_scheduler(database, settings)):
        async with read_only(database) as session:
            soon = await database_now(session) + timedelta(milliseconds=300)
        later = await make_job(database, schedules=[{"run_at": soon}])
        await executed(database, later.id)

    [execution] = await read_executions(database, later.id)
    assert execution.scheduled_for is not None
    assert execution.queued_at >= execution.scheduled_for
    assert [] == await read_executions(database, job.id)


@pytest.mark.usefixtures("no_looking")
async def test_a_notice_of_this_process_wakes_the_tick(database: Database, settings: Settings) -> None:
    job = await make_job(database, schedules=[HOURLY])

    async with running(make_scheduler(database, settings)):
        await be_late(database, job.id)
        await wake(database)
        await executed(database, job.id)


@ONLY_POSTGRESQL
@pytest.mark.usefixtures("no_looking")
async def test_a_notice_of_another_replica_wakes_the_tick(database: Database, settings: Settings) -> None:
    first, job = [await make_job(database, schedules=[HOURLY]) for _ in range(2)]
    await be_late(database, first.id)

    async with running(make_scheduler(database, settings), listen=database):
        await executed(database, first.id)  # a listener that has just connected wakes everybody once
        await be_late(database, job.id)
        async with database.writer.connect() as other:
            await other.execute(sa.text("SELECT pg_notify('stationmaster_tick', '')"))
            await other.commit()
        await executed(database, job.id)


async def test_two_replicas_decide_each_slot_once(database: Database, settings: Settings) -> None:
    jobs = [await make_job(database, schedules=[HOURLY]) for _ in range(10)]
    for job in jobs:
        await be_late(database, job.id)

    async with running(*(make_scheduler(database, settings, name) for name in ("a", "b"))):
        for job in jobs:
            await executed(database, job.id)

    assert [1] * 10 == [len(await read_executions(database, job.id)) for job in jobs]


async def test_another_replica_goes_on_when_the_leader_resigns(database: Database, settings: Settings) -> None:
    first, second = make_scheduler(database, settings, "a"), make_scheduler(database, settings, "b")
    job = await make_job(database, schedules=[HOURLY])
    await first._elector.stand()

    async with running(first, second):
        await first.stop_ticking()
        await first._elector.resign()
        await leads(second)
        await be_late(database, job.id)
        await executed(database, job.id)

    assert first._elector.term() is None


async def test_more_than_a_batch_is_decided_in_one_go(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "BATCH", 3)
    job = await make_job(database, schedules=[HOURLY] * 10)
    await be_late(database, job.id)
    scheduler = make_scheduler(database, settings)
    await scheduler._elector.stand()

    for _ in range(3):  # one is enough; of single batches not even three would be
        await scheduler._tick()

    assert 10 == len(await read_executions(database, job.id))


async def test_who_does_not_lead_decides_nothing(database: Database, settings: Settings) -> None:
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id)

    await make_scheduler(database, settings)._tick()

    assert [] == await read_executions(database, job.id)


async def test_a_stale_term_ends_the_leadership_and_is_counted(database: Database, settings: Settings) -> None:
    """F09: the frozen leader wakes, believes in its term, and is corrected by the fence."""
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id)
    scheduler = make_scheduler(database, settings)
    await scheduler._elector.stand()
    await lead(database, "another")
    before = metrics.stale_writes.labels("tick")._value.get()

    await scheduler._tick()

    assert (None, 1) == (scheduler._elector.term(), metrics.stale_writes.labels("tick")._value.get() - before)
    assert [] == await read_executions(database, job.id)


async def test_a_replica_with_the_scheduler_off_never_leads(database: Database, settings: Settings) -> None:
    off, duty = settings.model_copy(update={"scheduler_enabled": False}), Counter()
    scheduler = make_scheduler(database, off, "a", Duty("count", MOMENT, duty.work, leader_only=False))
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id)

    async with running(scheduler):
        await wake(database)
        await duty.reaches(3)

    assert [0, []] == [*await count_rows(database, Lease), await read_executions(database, job.id)]


async def test_nothing_is_decided_after_the_stop(database: Database, settings: Settings) -> None:
    scheduler = make_scheduler(database, settings)
    job = await make_job(database, schedules=[HOURLY])

    async with running(scheduler):
        await leads(scheduler)
        await scheduler.stop_ticking()
        await be_late(database, job.id)
        await scheduler._tick()

    assert [] == await read_executions(database, job.id)
    assert not scheduler.is_running


async def test_nobody_stands_and_no_duty_begins_after_the_stop(database: Database, settings: Settings) -> None:
    scheduler, duty = make_scheduler(database, settings), Counter()
    await scheduler.stop_ticking()

    await scheduler._stand()
    await scheduler._do(Duty("count", MOMENT, duty.work, leader_only=False))

    assert [[0], 0] == [await count_rows(database, Lease), duty.times]


async def test_the_stop_waits_for_the_tick_under_way(database: Database, settings: Settings) -> None:
    scheduler = make_scheduler(database, settings)
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id)
    await scheduler._elector.stand()

    async with asyncio.TaskGroup() as group:
        async with unit_of_work(database) as blocker:
            await blocker.execute(select(Lease).with_for_update())
            ticking = group.create_task(scheduler._tick())
            await eventually(lambda: is_true(scheduler._ticking.locked()))
            stopping = group.create_task(scheduler.stop_ticking())
            await asyncio.sleep(0)
            waited = not stopping.done()
        await ticking

    assert waited
    assert 1 == len(await read_executions(database, job.id))


async def test_a_database_that_fails_is_tried_again(database: Database, settings: Settings) -> None:
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id)
    async with unit_of_work(database) as session:
        await session.execute(sa.text("ALTER TABLE executions RENAME TO away"))
    scheduler = make_scheduler(database, settings)
    await scheduler._elector.stand()

    await scheduler._tick()
    async with unit_of_work(database) as session:
        await session.execute(sa.text("ALTER TABLE away RENAME TO executions"))
    await scheduler._tick()

    assert 1 == len(await read_executions(database, job.id))


async def test_it_counts_the_jobs_that_have_a_slot_to_come(database: Database, settings: Settings) -> None:
    await make_job(database, schedules=[HOURLY, HOURLY])
    await make_job(database)
    scheduler = make_scheduler(database, settings)

    async with running(scheduler):
        await eventually(lambda: is_true(scheduler.planned_jobs == 1))


async def test_counting_waits_for_better_times(database: Database, settings: Settings) -> None:
    scheduler = make_scheduler(database, settings)
    scheduler.planned_jobs = 7
    async with unit_of_work(database) as session:
        await session.execute(sa.text("ALTER TABLE schedules RENAME TO away"))

    await scheduler._count()

    assert 7 == scheduler.planned_jobs
