"""What the tick makes of missed slots, and of slots that would overlap."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import overlap
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import Reason, State
from tests.support.work import (
    HOUR,
    HOURLY,
    be_late,
    lead,
    make_job,
    read_executions,
    read_schedules,
    run_tick,
    set_schedules,
)

HALF_AN_HOUR = timedelta(minutes=30)
Told = list[tuple[State, Reason | None, int]]

RUN = (State.QUEUED, None, 1)


def skipped(count: int, reason: Reason) -> tuple[State, Reason | None, int]:
    return State.SKIPPED, reason, count


def tell(executions: list[Execution]) -> Told:
    return [(one.state, one.reason, one.slot_count) for one in executions]


@pytest.mark.parametrize(
    ("misfire", "by", "expected"),
    [
        ({}, HALF_AN_HOUR, [skipped(4, Reason.MERGED), RUN]),
        ({"max_lateness_seconds": 60}, HALF_AN_HOUR, [skipped(5, Reason.TOO_LATE)]),
        ({"policy": "skip"}, HALF_AN_HOUR, [skipped(5, Reason.TOO_LATE)]),
        ({"policy": "skip"}, timedelta(0), [skipped(4, Reason.TOO_LATE), RUN]),
        ({"policy": "all", "max_lateness_seconds": 86_400}, HALF_AN_HOUR, [RUN] * 5),
        (
            {"policy": "all", "max_lateness_seconds": 86_400, "max_runs": 2},
            HALF_AN_HOUR,
            [skipped(3, Reason.TOO_LATE), RUN, RUN],
        ),
        ({"policy": "all", "max_lateness_seconds": 7200}, HALF_AN_HOUR, [skipped(3, Reason.TOO_LATE), RUN, RUN]),
    ],
)
async def test_an_outage_is_made_up_for_by_the_misfire_policy(
    database: Database, misfire: dict[str, object], by: timedelta, expected: Told
) -> None:
    job = await make_job(database, misfire=misfire, schedules=[HOURLY])
    slots = await be_late(database, job.id, count=5, by=by)

    await run_tick(database, await lead(database))

    executions = await read_executions(database, job.id)
    assert expected == tell(executions)
    assert slots[-1] == (executions[-1].slot_until or executions[-1].scheduled_for)
    assert [slots[-1] + HOUR] == [one.next_run_at for one in await read_schedules(database, job.id)]


async def test_a_gap_tells_its_first_and_last_slot(database: Database) -> None:
    job = await make_job(database, schedules=[HOURLY])
    slots = await be_late(database, job.id, count=5)

    await run_tick(database, await lead(database))

    [gap, _run] = await read_executions(database, job.id)
    assert (slots[0], slots[3], 4) == (gap.scheduled_for, gap.slot_until, gap.slot_count)
    assert gap.finished_at is not None


async def test_a_gap_of_one_slot_is_no_range(database: Database) -> None:
    job = await make_job(database, schedules=[HOURLY])
    slots = await be_late(database, job.id, count=2)

    await run_tick(database, await lead(database))

    [gap, _run] = await read_executions(database, job.id)
    assert (slots[0], None, 1) == (gap.scheduled_for, gap.slot_until, gap.slot_count)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"starts_at": 2}, [skipped(2, Reason.MERGED), RUN]),
        ({"ends_at": 3}, [skipped(2, Reason.MERGED), RUN]),
        ({"starts_at": 1, "ends_at": 2}, [RUN]),
    ],
)
async def test_slots_outside_the_limits_of_a_schedule_are_none(
    database: Database, limits: dict[str, int], expected: Told
) -> None:
    """`starts_at` inclusive, `ends_at` exclusive; both given here as the number of a slot."""
    job = await make_job(database, misfire={"max_lateness_seconds": 86_400}, schedules=[HOURLY])
    slots = await be_late(database, job.id, count=5)
    await set_schedules(database, job.id, **{name: slots[number] for name, number in limits.items()})

    await run_tick(database, await lead(database))

    executions = await read_executions(database, job.id)
    assert expected == tell(executions)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", [(State.QUEUED, False), (State.SKIPPED, False)]),
        ("queue", [(State.QUEUED, False), (State.QUEUED, True)]),
        ("replace", [(State.CANCELLED, False), (State.QUEUED, True)]),
        ("allow", [(State.QUEUED, False), (State.QUEUED, False)]),
    ],
)
async def test_slots_that_overlap_follow_the_overlap_policy(
    database: Database, policy: str, expected: list[tuple[State, bool]]
) -> None:
    job = await make_job(database, overlap={"policy": policy}, schedules=[HOURLY])
    term = await lead(database)
    for _ in range(2):
        await be_late(database, job.id)
        await run_tick(database, term)

    assert expected == [(one.state, one.is_held) for one in await read_executions(database, job.id)]


async def test_slots_that_come_together_overlap_too(database: Database) -> None:
    """Two schedules of a job with the same slot: one runs, the other is recorded as skipped."""
    job = await make_job(database, overlap={"policy": "skip"}, schedules=[HOURLY, HOURLY])
    await be_late(database, job.id)

    await run_tick(database, await lead(database))

    assert [RUN, skipped(1, Reason.OVERLAP)] == sorted(tell(await read_executions(database, job.id)))


async def test_what_was_held_is_let_go_when_the_one_before_has_ended(database: Database) -> None:
    job = await make_job(database, overlap={"policy": "queue"}, schedules=[HOURLY, HOURLY])
    await be_late(database, job.id)
    await run_tick(database, await lead(database))

    async with unit_of_work(database) as session:
        now = await database_now(session)
        first = sa.and_(sa.column("job_id") == job.id, ~sa.column("is_held"))
        await session.execute(sa.update(Execution).where(first).values(state=State.SUCCEEDED, finished_at=now))
        assert 1 == await overlap.release_held(session)

    assert [(State.SUCCEEDED, False), (State.QUEUED, False)] == sorted(
        ((one.state, one.is_held) for one in await read_executions(database, job.id)), reverse=True
    )
