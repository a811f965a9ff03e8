"""Failures in a row, the pause that follows from them, and what people are told of pauses and ends."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from dirty_equals import IsPartialDict, IsStr

from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.states import State
from stationmaster.domains.jobs import ending
from stationmaster.kit import clock
from stationmaster.kit.instants import parse_instant
from tests.domains.jobs.following import run
from tests.support.people import Person
from tests.support.work import ALLOW, HOURLY, Desk, set_job


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def inbox(desk: Desk, job: dict[str, Any], person: Person) -> list[str]:
    """Return the titles of what a person was told of a job, oldest first."""
    answer = await desk.client.get("/api/v1/notifications?size=100", headers=person.headers)
    return [item["title"] for item in answer.json()["items"] if item["job_id"] == job["id"]][::-1]


async def test_a_job_that_fails_too_often_pauses_and_says_so(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], overlap=ALLOW, auto_pause_after_failures=2)

    await run(desk, job, State.FAILED)
    after_one = await desk.read(job)
    await run(desk, job, State.TIMED_OUT)

    assert after_one == IsPartialDict(failures_in_a_row=1, paused_at=None)
    assert await desk.read(job) == IsPartialDict(
        failures_in_a_row=2, paused_at=IsStr(), pause_cause="failures", pause_reason="2 executions in a row failed."
    )
    assert [f"{job['name']} has been paused"] == await inbox(desk, job, desk.owner)


async def test_a_success_and_what_says_nothing_between(desk: Desk) -> None:
    job = await desk.create(overlap=ALLOW, auto_pause_after_failures=3)
    counted = []

    for state in (State.FAILED, State.CANCELLED, State.LOST, State.SUCCEEDED, State.SKIPPED, State.FAILED):
        await run(desk, job, state)
        counted.append((await desk.read(job))["failures_in_a_row"])

    assert [1, 1, 2, 0, 0, 1] == counted


async def test_who_resumes_it_begins_anew(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], overlap=ALLOW, auto_pause_after_failures=1)
    await run(desk, job, State.FAILED)

    resumed = await desk.call("POST", f"/{job['id']}/resume")

    assert resumed.json() == IsPartialDict(failures_in_a_row=0, paused_at=None, pause_cause=None)


async def let_end(desk: Desk, job: dict[str, Any]) -> None:
    await set_job(desk.database, UUID(job["id"]), end_date=date(2026, 1, 1), ends_at=clock.now() - timedelta(hours=1))
    for _ in range(2):
        async with unit_of_work(desk.database) as session:
            await ending.pause_ended(session)


async def test_owner_and_team_are_told_once_that_a_job_has_ended(desk: Desk) -> None:
    team = await desk.client.post(
        "/api/v1/teams",
        json={"name": f"Team of {desk.viewer.id}", "members": [str(desk.viewer.id)]},
        headers=desk.admin.headers,
    )
    job = await desk.create(schedules=[HOURLY], end_date="2099-01-01", team=team.json()["slug"])

    await let_end(desk, job)

    for person in (desk.owner, desk.viewer):
        assert [f"{job['name']} has ended"] == await inbox(desk, job, person)
    assert [] == await inbox(desk, job, desk.stranger)


@pytest.mark.parametrize(
    ("now", "zone", "monday"),
    [
        ("2026-11-25T12:00:00Z", "UTC", "2026-11-23T09:00:00Z"),
        ("2026-11-23T08:59:59Z", "UTC", "2026-11-16T09:00:00Z"),
        ("2026-11-23T09:00:00Z", "UTC", "2026-11-23T09:00:00Z"),
        ("2026-11-23T08:59:59Z", "Asia/Tokyo", "2026-11-23T00:00:00Z"),
        ("2026-11-23T13:00:00Z", "America/New_York", "2026-11-16T14:00:00Z"),
    ],
)
def test_the_week_begins_on_monday_at_nine(now: str, zone: str, monday: str) -> None:
    assert parse_instant(monday) == ending.newest_monday(parse_instant(now), zone)


async def test_owners_are_reminded_once_a_week(desk: Desk) -> None:
    monday = ending.newest_monday(clock.now(), "UTC")
    soon, late, new, paused = [await desk.create(schedules=[HOURLY], end_date="2099-01-01") for _ in range(4)]
    day = (clock.now() + timedelta(days=10)).date()
    old = {"created_at": monday - timedelta(days=1)}
    ends = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
    await set_job(desk.database, UUID(soon["id"]), end_date=day, ends_at=ends, **old)
    await set_job(desk.database, UUID(late["id"]), ends_at=clock.now() + timedelta(days=31), **old)
    await set_job(desk.database, UUID(new["id"]), ends_at=ends, created_at=monday + timedelta(seconds=1))
    await set_job(desk.database, UUID(paused["id"]), ends_at=ends, paused_at=clock.now(), **old)

    for _ in range(2):
        async with unit_of_work(desk.database) as session:
            await ending.remind_of_ends(session, zone="UTC")
    this_week = [await inbox(desk, job, desk.owner) for job in (soon, late, new, paused)]
    await set_job(desk.database, UUID(soon["id"]), reminded_at=monday - timedelta(seconds=1))
    async with unit_of_work(desk.database) as session:
        await ending.remind_of_ends(session, zone="UTC")

    assert [[f"{soon['name']} ends on {day}"], [], [], []] == this_week
