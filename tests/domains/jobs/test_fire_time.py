"""Params with templates: resolved when a run is made, stored as resolved, and laid into what is done."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stationmaster.domains.executions.states import State
from stationmaster.kit.instants import format_instant
from tests.domains.jobs.following import change, run
from tests.support.databases import ONLY_SQLITE
from tests.support.work import (
    ALLOW,
    HOURLY,
    TARGET,
    Desk,
    be_late,
    faults,
    lead,
    read_executions,
    run_tick,
)

SINCE = {"since": "{{ last_success }}", "at": "{{ scheduled_time }}", "fixed": 1}


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def params_of(desk: Desk, job: dict[str, Any]) -> list[Any]:
    return [row.params for row in await read_executions(desk.database, UUID(job["id"]))]


async def test_each_slot_has_its_own(desk: Desk) -> None:
    job = await desk.create(
        schedules=[HOURLY | {"params": SINCE}], overlap=ALLOW, misfire={"policy": "all", "max_lateness_seconds": 9e4}
    )
    slots = await be_late(desk.database, UUID(job["id"]), count=2, by=timedelta(minutes=5))

    await run_tick(desk.database, await lead(desk.database))

    assert [{"since": None, "at": format_instant(slot), "fixed": 1} for slot in slots] == await params_of(desk, job)


async def test_the_last_success_is_that_of_the_newest_run_that_succeeded(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY | {"params": SINCE}], overlap=ALLOW)
    good = await run(desk, job)
    await run(desk, job, State.FAILED)
    [first, _] = sorted(await read_executions(desk.database, UUID(job["id"])), key=lambda row: row.id)
    [slot] = await be_late(desk.database, UUID(job["id"]), by=timedelta(minutes=5))

    await run_tick(desk.database, await lead(desk.database))

    [planned] = [row for row in await read_executions(desk.database, UUID(job["id"])) if row.scheduled_for == slot]
    assert first.id == good
    assert planned.params == {"since": format_instant(first.queued_at), "at": format_instant(slot), "fixed": 1}
    await change(desk, planned.id, state=State.SUCCEEDED)


async def test_requests_and_the_past_have_them_too(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY | {"params": {"day": "{{ scheduled_time | date }}"}}], overlap=ALLOW)
    slots = await be_late(desk.database, UUID(job["id"]), by=timedelta(minutes=5))
    span = {"from": format_instant(slots[0]), "to": format_instant(slots[0] + timedelta(minutes=1))}

    filled = await desk.call("POST", f"/{job['id']}/backfill", span)
    asked = await desk.call("POST", f"/{job['id']}/execute", {"params": {"name": "{{ job_name }}"}})

    assert (202, 202) == (filled.status_code, asked.status_code)
    assert [{"day": slots[0].date().isoformat()}, {"name": job["name"]}] == await params_of(desk, job)


@ONLY_SQLITE
async def test_templates_that_are_not_known_are_refused(desk: Desk) -> None:
    job = await desk.create()
    wrong = {"x": "{{ yesterday }}"}

    found = [
        faults(
            await desk.call("POST", body={"name": "x", "target": TARGET, "schedules": [HOURLY | {"params": wrong}]})
        ),
        faults(await desk.call("POST", f"/{job['id']}/execute", {"params": wrong})),
    ]

    assert [["/schedules/0/params"], ["/params"]] == found
