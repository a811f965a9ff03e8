"""Params with templates: resolved when a run is made, stored as resolved, and laid into what is done."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.kit.ids import new_id
from stationmaster.kit.instants import format_instant
from tests.domains.jobs.following import change, run
from tests.support.databases import ONLY_SQLITE
from tests.support.scripts import register
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
    set_schedules,
)

PARAMETERS = {
    "required": ["day"],
    "properties": {"day": {"type": "string"}, "since": {"type": "string"}, "depth": {"type": "integer"}},
}
SINCE = {"since": "{{ last_success }}", "at": "{{ scheduled_time }}", "fixed": 1}


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def aim(desk: Desk, **params: Any) -> dict[str, Any]:
    """Register a script, and return the target that runs it with these params."""
    slug = await register(desk.client, desk.owner, name=f"script-{new_id().hex}", parameters=PARAMETERS)
    return {"type": "script", "script": slug, "params": params}


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

    assert [["/schedules/0/params/x"], ["/params/x"]] == found


async def test_a_targets_own_params_are_resolved_for_each_execution(desk: Desk) -> None:
    target = await aim(desk, day="{{ scheduled_time | date }}", since="{{ last_success }}", depth=1)
    other = await desk.create(overlap=ALLOW)
    job = await desk.create(
        target=target,
        schedules=[HOURLY, HOURLY | {"params": {"since": "long ago", "depth": 2}}],
        overlap=ALLOW,
        depends_on=[{"job": other["name"]}],
    )
    [slot] = await be_late(desk.database, UUID(job["id"]), by=timedelta(minutes=5))
    day = slot.date().isoformat()

    await run_tick(desk.database, await lead(desk.database))
    span = {"from": format_instant(slot), "to": format_instant(slot + timedelta(minutes=1)), "only": "all"}
    await desk.call("POST", f"/{job['id']}/backfill", span)
    await desk.call("POST", f"/{job['id']}/execute", {"params": {"since": "now"}})
    await desk.call("POST", f"/{job['id']}/execute")
    await run(desk, other)

    rows = await read_executions(desk.database, UUID(job["id"]))
    today = rows[-1].queued_at.date().isoformat()
    planned = [{"day": day, "since": None}, {"day": day, "since": "long ago", "depth": 2}]
    assert planned == by_length(rows, Trigger.SCHEDULE)
    assert [{"day": today, "since": "now"}, {"day": today, "since": None}] == by_length(rows, Trigger.MANUAL)
    assert [{"day": today, "since": None}] == by_length(rows, Trigger.DEPENDENCY)


def by_length(rows: list[Execution], trigger: Trigger) -> list[Any]:
    found = [dict(row.params or {}) for row in rows if row.trigger is trigger]
    return sorted(found, key=lambda params: (len(params), params["since"] is None))


async def test_a_skipped_slot_keeps_what_it_would_have_run_with(desk: Desk) -> None:
    target = await aim(desk, day="{{ scheduled_time | date }}")
    job = await desk.create(target=target, schedules=[HOURLY], misfire={"policy": "skip"})
    slots = await be_late(desk.database, UUID(job["id"]), count=3, by=timedelta(minutes=5))

    await run_tick(desk.database, await lead(desk.database))

    [skipped] = await read_executions(desk.database, UUID(job["id"]))
    assert (State.SKIPPED, {"day": slots[0].date().isoformat()}) == (skipped.state, skipped.params)


async def test_a_template_that_cannot_be_resolved_puts_its_own_schedule_aside(desk: Desk) -> None:
    wrong = await desk.create(schedules=[HOURLY | {"params": {"x": "{{ scheduled_time }}"}}])
    right = await desk.create(schedules=[HOURLY])
    await set_schedules(desk.database, UUID(wrong["id"]), params={"x": "{{ scheduled_time + 9000 years }}"})
    for job in (wrong, right):
        await be_late(desk.database, UUID(job["id"]))

    await run_tick(desk.database, await lead(desk.database))

    assert ([], [None]) == (await params_of(desk, wrong), await params_of(desk, right))
    [schedule] = (await desk.read(wrong))["schedules"]
    assert "out of the calendar" in schedule["last_error"]


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"day": "{{ yesterday }}"}, "/target/params/day"),
        ({"day": "x", "since": "on {{ scheduled_time + 7900 years }}"}, "/target/params/since"),
        ({"day": "x", "a/b": [1, {"c": "{{ }}"}]}, "/target/params/a~1b/1/c"),
    ],
)
async def test_a_targets_own_templates_are_tried_when_it_is_given(
    desk: Desk, params: dict[str, Any], pointer: str
) -> None:
    target = await aim(desk, **params)
    job = await desk.create()
    body = {"name": new_id().hex, "target": target}

    made = await desk.call("POST", body=body)
    changed = await desk.call("PATCH", f"/{job['id']}", {"target": target})
    tried = await desk.call("POST", "/test-run", {"target": target})

    assert [[pointer]] * 3 == [faults(made), faults(changed), faults(tried)]


@ONLY_SQLITE
async def test_what_is_no_params_is_sent_as_it_stands(desk: Desk) -> None:
    job = await desk.create(target=TARGET | {"body": {"text": "{{ name }} has arrived"}})

    await desk.call("POST", f"/{job['id']}/execute")

    assert [None] == await params_of(desk, job)
