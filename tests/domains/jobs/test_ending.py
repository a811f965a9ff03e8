"""End dates: the last day of a job, in the zone of each schedule, and what happens when it is over."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from dirty_equals import IsPartialDict, IsStr

from stationmaster.db.session import unit_of_work
from stationmaster.domains.jobs import ending
from stationmaster.kit import clock
from stationmaster.kit.instants import parse_instant
from tests.support.databases import ONLY_SQLITE
from tests.support.work import (
    HOUR,
    HOURLY,
    TARGET,
    Desk,
    faults,
    lead,
    read_executions,
    read_schedules,
    run_tick,
    set_job,
    set_schedules,
)

DAILY = {"cron_expression": "0 9 * * *"}


def id_of(job: dict[str, Any]) -> UUID:
    return UUID(job["id"])


async def let_end(desk: Desk, job: dict[str, Any]) -> dict[str, Any]:
    """Let the last day of a job be over, and the duty notice."""
    ended_at = clock.now() - timedelta(hours=1)
    await set_job(desk.database, id_of(job), end_date=date(2026, 1, 1), ends_at=ended_at)
    await set_schedules(desk.database, id_of(job), cutoff_at=ended_at)
    async with unit_of_work(desk.database) as session:
        await ending.pause_ended(session)
    return await desk.read(job)


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("UTC", "2099-07-02T00:00:00Z"),
        ("Asia/Tokyo", "2099-07-01T15:00:00Z"),
        ("America/New_York", "2099-07-02T04:00:00Z"),
    ],
)
def test_a_day_ends_in_its_zone(zone: str, end: str) -> None:
    assert parse_instant(end) == ending.end_of_day(date(2099, 7, 1), zone)


async def test_the_last_slot_is_on_the_last_day(desk: Desk) -> None:
    zones = ("Asia/Tokyo", "America/New_York")
    job = await desk.create(schedules=[DAILY | {"timezone": zone} for zone in zones], end_date="2099-07-01")

    schedules = await read_schedules(desk.database, id_of(job))
    why = [
        (await desk.call("GET", f"/{job['id']}/why", params={"at": at})).json()["is_planned"]
        for at in ("2099-07-01T00:00:00Z", "2099-07-01T13:00:00Z", "2099-07-02T00:00:00Z", "2099-07-02T13:00:00Z")
    ]

    assert [datetime(2099, 7, 1, 15, tzinfo=UTC), datetime(2099, 7, 2, 4, tzinfo=UTC)] == [
        schedule.cutoff_at for schedule in schedules
    ]
    assert [True, True, False, False] == why


async def test_an_ended_job_pauses_and_says_why(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], end_date="2099-07-01")

    shown = await let_end(desk, job)

    assert shown == IsPartialDict(
        pause_cause="ended", pause_reason=IsStr(regex=".*2026-01-01.*over.*"), next_run_at=None, is_active=True
    )


async def test_an_ended_job_is_not_run_or_resumed(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], end_date="2099-07-01")
    await let_end(desk, job)

    answers = [await desk.call("POST", f"/{job['id']}/{action}") for action in ("execute", "resume")]
    switched_on = await desk.call("PATCH", f"/{job['id']}", {"is_active": True})

    assert [409, 409, 409] == [answer.status_code for answer in (*answers, switched_on)]
    assert "later end_date" in answers[0].json()["detail"]
    assert [] == await read_executions(desk.database, id_of(job))


@pytest.mark.parametrize("day", ["2099-08-01", None])
async def test_another_end_date_lets_it_go_on(desk: Desk, day: str | None) -> None:
    job = await desk.create(schedules=[HOURLY], end_date="2099-07-01")
    await let_end(desk, job)

    answer = await desk.call("PATCH", f"/{job['id']}", {"end_date": day})
    await run_tick(desk.database, await lead(desk.database))

    shown = await desk.read(job)
    assert (200, day) == (answer.status_code, shown["end_date"])
    assert shown == IsPartialDict(pause_cause=None, paused_at=None, next_run_at=IsStr())
    assert 202 == (await desk.call("POST", f"/{job['id']}/execute")).status_code


async def test_a_pause_that_somebody_asked_for_outlives_the_change(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], end_date="2099-07-01")
    await desk.call("POST", f"/{job['id']}/pause", {"reason": "repairs"})
    shown = await let_end(desk, job)

    changed = (await desk.call("PATCH", f"/{job['id']}", {"end_date": "2099-08-01"})).json()

    assert ("requested", "requested", "repairs") == (
        shown["pause_cause"],
        changed["pause_cause"],
        changed["pause_reason"],
    )


async def test_slots_before_the_end_that_nobody_saw_are_decided(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], end_date="2099-07-01", misfire={"policy": "all"})
    [schedule] = await read_schedules(desk.database, id_of(job))
    slot = schedule.anchor_at - 3 * HOUR
    await set_schedules(
        desk.database, id_of(job), anchor_at=slot, next_run_at=slot, cutoff_at=slot + HOUR + timedelta(seconds=1)
    )

    await run_tick(desk.database, await lead(desk.database))

    records = await read_executions(desk.database, id_of(job))
    assert [(slot, 2)] == [(record.scheduled_for, record.slot_count) for record in records]
    [schedule] = await read_schedules(desk.database, id_of(job))
    assert schedule.next_run_at is None


@ONLY_SQLITE
async def test_end_dates_that_cannot_be_are_refused(desk: Desk) -> None:
    body: dict[str, Any] = {"name": "x", "target": TARGET}
    yearly = {"schedules": [{"cron_expression": "0 0 29 2 *"}]}
    wrong: list[dict[str, Any]] = [
        {"end_date": "2020-01-01"},
        {"end_date": "9500-01-01"},
        {"end_date": "2026-02-30"},
        {"end_date": 5},
    ]
    tomorrow = str(clock.now().date() + timedelta(days=1))

    found = [faults(await desk.call("POST", body=body | one)) for one in wrong]

    assert [["/end_date"]] * len(wrong) == found
    assert ["/end_date"] == faults(await desk.call("POST", body=body | yearly | {"end_date": tomorrow}))


async def test_a_schedule_added_later_ends_with_the_job(desk: Desk) -> None:
    job = await desk.create(end_date="2099-07-01")

    added = await desk.call("POST", f"/{job['id']}/schedules", DAILY | {"timezone": "Asia/Tokyo"})
    moved = await desk.call("PATCH", f"/{job['id']}/schedules/{added.json()['id']}", {"timezone": "UTC"})

    [schedule] = await read_schedules(desk.database, id_of(job))
    assert (201, 200) == (added.status_code, moved.status_code)
    assert datetime(2099, 7, 2, tzinfo=UTC) == schedule.cutoff_at


async def test_where_a_schedule_is_made_it_can_be_read(desk: Desk) -> None:
    job = await desk.create()

    made = await desk.call("POST", f"/{job['id']}/schedules", DAILY)
    shown = await desk.client.get(made.headers["location"], headers=desk.viewer.headers)
    strange = await desk.call("GET", f"/{job['id']}/schedules/{job['id']}")

    assert made.json() == shown.json()
    assert (200, 404) == (shown.status_code, strange.status_code)
