"""Pausing, resuming and deleting jobs over HTTP; and what becomes of slots that no tick has seen yet."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from dirty_equals import IsPartialDict, IsStr

from stationmaster.domains.executions.states import Reason, State
from tests.support.databases import ONLY_SQLITE
from tests.support.work import (
    ALLOW,
    HOUR,
    HOURLY,
    Desk,
    be_late,
    faults,
    lead,
    let_pass,
    read_executions,
    read_job,
    read_schedules,
    run_tick,
    set_job,
)

FAR = "2099-01-01T00:00:00.000Z"
INSTANT = IsStr(regex=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


def id_of(job: dict[str, Any]) -> UUID:
    return UUID(job["id"])


@pytest.mark.parametrize("path", ["/pause", "/resume", "", "/execute"])
async def test_only_the_owner_and_admins_may(desk: Desk, path: str) -> None:
    """The four questions: anonymous, wrong role, not found, and success."""
    job = await desk.create()
    method = "POST" if path else "DELETE"
    if path == "/resume":
        await desk.call("POST", f"/{job['id']}/pause")

    anonymous = await desk.client.request(method, f"/api/v1/jobs/{job['id']}{path}")
    refused = [await desk.call(method, f"/{job['id']}{path}", by=by) for by in (desk.viewer, desk.stranger)]
    missing = await desk.call(method, f"/{uuid4()}{path}", by=desk.admin)
    done = await desk.call(method, f"/{job['id']}{path}", by=desk.admin)

    statuses = [anonymous.status_code, *(answer.status_code for answer in (*refused, missing, done))]
    assert [401, 403, 403, 404, {"": 204, "/execute": 202}.get(path, 200)] == statuses


async def test_a_paused_job_says_since_when_until_when_and_why(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])

    answer = await desk.call("POST", f"/{job['id']}/pause", {"reason": "maintenance", "until": FAR})

    shown = IsPartialDict(paused_at=INSTANT, paused_until=FAR, pause_reason="maintenance", next_run_at=None)
    assert (200, shown) == (answer.status_code, answer.json())
    assert shown == await desk.read(job)


async def test_a_pause_needs_no_body(desk: Desk) -> None:
    job = await desk.create()

    answer = await desk.call("POST", f"/{job['id']}/pause")

    assert answer.json() == IsPartialDict(paused_at=INSTANT, paused_until=None, pause_reason=None)


@ONLY_SQLITE
async def test_a_wrong_pause_is_refused_by_name(desk: Desk) -> None:
    job = await desk.create()
    wrong = [
        ({"until": "2000-01-01T00:00:00Z"}, ["/until"]),
        ({"until": "2099-01-01"}, ["/until"]),
        ({"reason": "a\0b"}, ["/reason"]),
        ({"colour": "red"}, ["/colour"]),
    ]

    assert wrong == [(body, faults(await desk.call("POST", f"/{job['id']}/pause", body))) for body, _ in wrong]
    assert None is (await desk.read(job))["paused_at"]


async def test_pausing_twice_and_resuming_twice_are_conflicts(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    verbs = ["resume", "pause", "pause", "resume", "resume", "pause"]

    statuses = [(await desk.call("POST", f"/{job['id']}/{verb}")).status_code for verb in verbs]

    assert [409, 200, 409, 200, 409, 200] == statuses


async def test_a_resumed_job_is_shown_as_running_at_once(desk: Desk) -> None:
    """Although the tick has yet to record the last slots of its pause."""
    job = await desk.create(schedules=[HOURLY])
    await desk.call("POST", f"/{job['id']}/pause", {"reason": "maintenance"})

    answer = await desk.call("POST", f"/{job['id']}/resume")

    assert answer.json() == IsPartialDict(
        paused_at=None, paused_until=None, pause_reason=None, next_run_at=job["next_run_at"]
    )


async def test_the_slots_of_a_pause_are_recorded_and_those_after_it_run(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], overlap=ALLOW)
    await desk.call("POST", f"/{job['id']}/pause")
    await let_pass(desk.database, id_of(job), 2.5 * HOUR)
    await desk.call("POST", f"/{job['id']}/resume")
    term = await lead(desk.database)

    await run_tick(desk.database, term)
    await let_pass(desk.database, id_of(job), HOUR)
    await run_tick(desk.database, term)

    executions = await read_executions(desk.database, id_of(job))
    assert [(State.SKIPPED, Reason.PAUSED, 2), (State.QUEUED, None, 1)] == [
        (one.state, one.reason, one.slot_count) for one in executions
    ]
    assert None is (await read_job(desk.database, id_of(job))).paused_at


async def test_a_pause_after_a_pause_does_not_swallow_the_slots_between_them(desk: Desk) -> None:
    """Nobody led meanwhile: the slots of the first pause, and those after it, are still undecided."""
    job = await desk.create(schedules=[HOURLY], overlap=ALLOW)
    [schedule] = await read_schedules(desk.database, id_of(job))
    begin = schedule.anchor_at
    await set_job(desk.database, id_of(job), paused_at=begin, paused_until=begin + 1.5 * HOUR)
    await let_pass(desk.database, id_of(job), 3.5 * HOUR)

    answer = await desk.call("POST", f"/{job['id']}/pause")

    assert 200 == answer.status_code
    assert [(Reason.PAUSED, 1), (Reason.MERGED, 1), (None, 1)] == [
        (one.reason, one.slot_count) for one in await read_executions(desk.database, id_of(job))
    ]


@pytest.mark.parametrize(
    "patch",
    [
        {"is_active": False},
        {"schedules": []},
        {"schedules": [{"interval_seconds": 60}]},
        {"cron_expression": "@daily"},
        {"cron_expression": None},
        {"description": "changed"},
    ],
)
async def test_a_change_of_the_timetable_loses_no_slot_that_was_due_before_it(
    desk: Desk, patch: dict[str, Any]
) -> None:
    """Each planned slot is recorded once, also when the job is changed while no leader has looked yet."""
    job = await desk.create(schedules=[HOURLY])
    slots = await be_late(desk.database, id_of(job), count=3)

    answer = await desk.call("PATCH", f"/{job['id']}", patch)

    merged, run = await read_executions(desk.database, id_of(job))
    assert 200 == answer.status_code
    assert (slots[0], 2, slots[2], None) == (merged.scheduled_for, merged.slot_count, run.scheduled_for, run.epoch)


@pytest.mark.parametrize("patch", [{"is_active": False}, {"interval_seconds": 60}, {"params": {"a": 1}}])
async def test_a_change_of_a_schedule_loses_no_slot_either(desk: Desk, patch: dict[str, Any]) -> None:
    job = await desk.create(schedules=[HOURLY])
    slots = await be_late(desk.database, id_of(job))

    await desk.call("PATCH", f"/{job['id']}/schedules/{job['schedules'][0]['id']}", patch)
    await run_tick(desk.database, await lead(desk.database))

    assert slots == [one.scheduled_for for one in await read_executions(desk.database, id_of(job))]


async def test_a_refused_change_decides_nothing(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    await be_late(desk.database, id_of(job))

    await desk.call("PATCH", f"/{job['id']}", {"schedules": [{"run_at": "2000-01-01T00:00:00Z"}]})

    assert [] == await read_executions(desk.database, id_of(job))


async def test_a_deleted_job_leaves_its_history(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    await be_late(desk.database, id_of(job))
    await run_tick(desk.database, await lead(desk.database))

    deleted = await desk.call("DELETE", f"/{job['id']}")

    [record] = await read_executions(desk.database, id_of(job))
    shown = await desk.client.get(f"/api/v1/executions/{record.id}", headers=desk.viewer.headers)
    assert (204, b"") == (deleted.status_code, deleted.content)
    assert [] == await read_schedules(desk.database, id_of(job))
    assert shown.json() == IsPartialDict(state="queued", job={"id": job["id"], "name": job["name"]})


async def test_a_deleted_job_is_gone(desk: Desk) -> None:
    job = await desk.create()
    await desk.call("DELETE", f"/{job['id']}")

    again = [await desk.call(method, f"/{job['id']}", by=desk.admin) for method in ("GET", "DELETE")]
    anew = await desk.create(name=job["name"])

    assert [404, 404] == [answer.status_code for answer in again]
    assert anew["id"] != job["id"]


async def test_a_slot_of_a_deleted_job_is_never_decided(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    await be_late(desk.database, id_of(job), by=timedelta(minutes=1))
    await desk.call("DELETE", f"/{job['id']}")

    await run_tick(desk.database, await lead(desk.database))

    assert [] == await read_executions(desk.database, id_of(job))
