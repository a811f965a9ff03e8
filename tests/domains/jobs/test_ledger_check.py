"""The auditor of the ledger: silent while it is whole, and loud about each way in which it may not be."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.leases import Lease
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.jobs import ledger_check
from stationmaster.domains.jobs.ledger_check import SKEW, check_schedule, find_violations
from stationmaster.entrypoints.scheduler.leader import LEASE
from stationmaster.kit import clock
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.work import (
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


async def find_rules(database: Database) -> set[str]:
    """Return the names of the rules that something breaks."""
    return {finding.rule async for finding in find_violations(database, lease=LEASE)}


async def decide_slots(database: Database, count: int = 5, **fields: Any) -> tuple[UUID, list[datetime]]:
    """Make a job that is as old as its slots, and let the tick decide them; return its id and the slots."""
    job = await make_job(database, schedules=[HOURLY], **({"misfire": ALL_RUN} | fields))
    slots = await be_late(database, job.id, count=count)
    await set_schedules(database, job.id, updated_at=slots[0] - HOUR)
    await run_tick(database, await lead(database))
    return job.id, slots


async def alter(database: Database, slot: datetime, **columns: Any) -> None:
    """Change the record of a slot by hand."""
    async with unit_of_work(database) as session:
        await session.execute(sa.update(executions).where(executions.c.scheduled_for == slot).values(**columns))


async def remove(database: Database, slot: datetime) -> None:
    async with unit_of_work(database) as session:
        await session.execute(sa.delete(executions).where(executions.c.scheduled_for == slot))


async def test_a_whole_ledger_is_fine(database: Database) -> None:
    job_id, slots = await decide_slots(database)

    assert set() == await find_rules(database)
    assert slots == [execution.scheduled_for for execution in await read_executions(database, job_id)]


@pytest.mark.parametrize("misfire", [{"policy": "last"}, {"policy": "skip"}, {"policy": "all", "max_runs": 2}])
async def test_skipped_ranges_account_for_their_slots(database: Database, misfire: dict[str, Any]) -> None:
    job_id, slots = await decide_slots(database, count=6, misfire=misfire)

    assert set() == await find_rules(database)
    assert len(slots) == sum(execution.slot_count for execution in await read_executions(database, job_id))


async def test_a_pause_accounts_for_its_slots(database: Database) -> None:
    job_id, _ = await decide_slots(database)
    await set_job(database, job_id, paused_at=clock.now())
    for _ in range(2):
        await let_pass(database, job_id, 3 * HOUR)
        await run_tick(database, await lead(database))

    [*_, pause] = await read_executions(database, job_id)
    assert (Reason.PAUSED, 6) == (pause.reason, pause.slot_count)
    assert set() == await find_rules(database)


@pytest.mark.parametrize("index", [0, 2, 4], ids=["first", "middle", "last"])
async def test_a_lost_slot_is_found(database: Database, index: int) -> None:
    _, slots = await decide_slots(database)
    await remove(database, slots[index])

    found = [finding async for finding in find_violations(database, lease=LEASE)]
    assert [("complete", slots[index].isoformat() in found[0].detail)] == [(one.rule, True) for one in found]


async def test_several_lost_slots_are_counted(database: Database) -> None:
    _, slots = await decide_slots(database)
    for slot in slots[1:4]:
        await remove(database, slot)

    [finding] = [finding async for finding in find_violations(database, lease=LEASE)]
    assert "and 2 more" in finding.detail


async def test_a_record_that_is_no_slot_is_found(database: Database) -> None:
    _, slots = await decide_slots(database)
    await alter(database, slots[2], scheduled_for=slots[2] + timedelta(minutes=1))

    assert {"planned", "complete"} == await find_rules(database)


async def test_a_range_that_overlaps_a_record_is_found(database: Database) -> None:
    _, slots = await decide_slots(database)
    await alter(database, slots[1], slot_until=slots[2], slot_count=2, state=State.SKIPPED)

    assert {"once"} == await find_rules(database)


async def test_a_range_that_miscounts_is_found(database: Database) -> None:
    _, slots = await decide_slots(database, misfire={"policy": "skip"})
    await alter(database, slots[0], slot_count=3)

    assert {"planned"} == await find_rules(database)


async def test_a_record_beyond_the_mark_is_found(database: Database) -> None:
    job_id, slots = await decide_slots(database)
    await set_schedules(database, job_id, last_slot_at=slots[-2], next_run_at=slots[-1] + HOUR, updated_at=slots[0])

    assert {"once"} == await find_rules(database)


async def test_a_slot_that_the_tick_would_step_over_is_found(database: Database) -> None:
    job_id, slots = await decide_slots(database)
    await set_schedules(database, job_id, next_run_at=slots[-1] + 2 * HOUR, updated_at=slots[0] - HOUR)

    assert {"complete"} == await find_rules(database)


async def test_a_wrong_order_is_found(database: Database) -> None:
    _, slots = await decide_slots(database)
    await alter(database, slots[3], queued_at=slots[0])

    assert {"in_order"} == await find_rules(database)


async def test_a_schedule_that_cannot_be_evaluated_is_found(database: Database) -> None:
    job_id, _ = await decide_slots(database)
    await set_schedules(database, job_id, interval_seconds=None, cron_expression="0 0 31 2 *")

    assert {"evaluated"} == await find_rules(database)


@pytest.mark.parametrize(("leads_since", "expected"), [(HOUR, {"decided"}), (timedelta(0), set())])
async def test_an_undecided_slot_is_found_while_somebody_leads(
    database: Database, leads_since: timedelta, expected: set[str]
) -> None:
    job = await make_job(database, schedules=[HOURLY])
    await be_late(database, job.id, by=timedelta(minutes=5))
    await lead(database)
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Lease).values(acquired_at=await database_now(session) - leads_since))

    assert expected == await find_rules(database)


async def test_what_lies_before_the_last_change_is_not_judged(database: Database) -> None:
    job_id, slots = await decide_slots(database)
    await remove(database, slots[1])
    await alter(database, slots[2], scheduled_for=slots[2] + timedelta(minutes=1))
    await set_schedules(database, job_id, updated_at=slots[3] - SKEW)

    assert set() == await find_rules(database)


async def test_the_tick_is_no_change(database: Database) -> None:
    """Otherwise each tick would move the line before which nothing is judged."""
    job_id, slots = await decide_slots(database)

    assert [slots[0] - HOUR] == [schedule.updated_at for schedule in await read_schedules(database, job_id)]


async def test_a_range_across_the_last_change_counts_from_there(database: Database) -> None:
    job_id, slots = await decide_slots(database, count=6, misfire={"policy": "skip"})
    await set_schedules(database, job_id, updated_at=slots[2])

    assert set() == await find_rules(database)
    await alter(database, slots[0], slot_until=slots[3])
    assert {"complete"} == await find_rules(database)


@ONLY_POSTGRESQL  # SQLite shows one transaction one state
async def test_a_schedule_that_changes_meanwhile_is_left_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, slots = await decide_slots(database)
    await remove(database, slots[1])
    [schedule] = await read_schedules(database, job_id)
    monkeypatch.setattr(ledger_check, "_compare", changing(database, job_id, ledger_check._compare))

    async with read_only(database) as session:
        assert [] == await check_schedule(session, schedule.id)


def changing(database: Database, job_id: UUID, compare: Callable[..., Any]) -> Callable[..., Any]:
    """Change the job's schedules right after they were compared."""

    async def change(session: AsyncSession, schedule: Any) -> Any:
        found = await compare(session, schedule)
        await set_schedules(database, job_id, updated_at=schedule.updated_at + HOUR)
        assert found
        return found

    return change


async def test_a_schedule_that_is_gone_is_left_alone(database: Database) -> None:
    async with read_only(database) as session:
        assert [] == await check_schedule(session, UUID(int=1))


async def test_pages_join_without_a_seam(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_check, "PAGE", 2)
    lost = [(await decide_slots(database))[1][index] for index in (1, 2, 3)]
    assert set() == await find_rules(database)
    for slot in lost:
        await remove(database, slot)

    found = [finding async for finding in find_violations(database, lease=LEASE)]
    assert 3 == len({finding.subject for finding in found})


async def test_a_hopeless_schedule_is_not_followed_to_its_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_check, "MOST_FINDINGS", 2)
    job_id, slots = await decide_slots(database, count=8)
    await set_schedules(
        database, job_id, anchor_at=slots[0] + timedelta(minutes=1), updated_at=slots[0] - HOUR, next_run_at=None
    )

    found = [finding async for finding in find_violations(database, lease=LEASE)]
    assert 2 <= len(found) < len(slots)
