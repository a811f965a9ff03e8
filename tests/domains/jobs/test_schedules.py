"""The schedules of a job over HTTP, one by one."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.db.clock import database_now
from stationmaster.db.session import read_only
from tests.support.databases import ONLY_SQLITE
from tests.support.work import (
    HOURLY,
    TARGET,
    Desk,
    be_late,
    faults,
    lead,
    let_pass,
    read_executions,
    read_schedules,
    run_tick,
    set_schedules,
)

CRON = {"cron_expression": "30 2 * * 1-5", "timezone": "Europe/Berlin"}
ONCE = {"run_at": "2099-01-01T00:00:00.000Z"}


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


def path_of(job: dict[str, Any], number: int = 0) -> str:
    return f"/{job['id']}/schedules/{job['schedules'][number]['id']}"


def id_of(job: dict[str, Any]) -> UUID:
    return UUID(job["id"])


def facts(schedule: dict[str, Any], *but: str) -> dict[str, Any]:
    return {name: value for name, value in schedule.items() if name not in {"updated_at", *but}}


@pytest.mark.parametrize(
    ("method", "body", "status"), [("POST", HOURLY, 201), ("PATCH", {"is_active": False}, 200), ("DELETE", None, 204)]
)
async def test_only_the_owner_and_admins_change_them(
    desk: Desk, method: str, body: dict[str, Any] | None, status: int
) -> None:
    job = await desk.create(schedules=[CRON])
    path = f"/{job['id']}/schedules" if method == "POST" else path_of(job)
    nowhere = f"/{uuid4()}/schedules" if method == "POST" else f"/{job['id']}/schedules/{uuid4()}"

    anonymous = await desk.client.request(method, f"/api/v1/jobs{path}", json=body)
    others = [await desk.call(method, path, body, by=by) for by in (desk.viewer, desk.stranger)]
    others.append(await desk.call(method, nowhere, body, by=desk.admin))
    done = await desk.call(method, path, body, by=desk.admin)

    assert [401, 403, 403, 404, status] == [answer.status_code for answer in (anonymous, *others, done)]


async def test_a_schedule_belongs_to_one_job(desk: Desk) -> None:
    """Named below another job of the same owner, it is not there (S05)."""
    job, other = await desk.create(schedules=[CRON]), await desk.create()
    path = f"/{other['id']}/schedules/{job['schedules'][0]['id']}"

    answers = [await desk.call("PATCH", path, {"is_active": False}), await desk.call("DELETE", path)]

    assert [404, 404] == [answer.status_code for answer in answers]
    assert job == await desk.read(job)


async def test_they_are_listed_in_the_order_they_were_made(desk: Desk) -> None:
    job = await desk.create(schedules=[CRON, HOURLY, ONCE])

    answer = await desk.call("GET", f"/{job['id']}/schedules", by=desk.viewer)

    assert (200, job["schedules"]) == (answer.status_code, answer.json()["items"])
    assert 404 == (await desk.call("GET", f"/{uuid4()}/schedules")).status_code
    assert 401 == (await desk.client.get(f"/api/v1/jobs/{job['id']}/schedules")).status_code


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            CRON | {"dst_gap": "skip", "dst_fold": "both", "params": {"a": 1}},
            "At 02:30, Monday to Friday (Europe/Berlin)",
        ),
        (ONCE | {"timezone": "Asia/Tokyo"}, "Once, at 2099-01-01 09:00 Asia/Tokyo"),
        (
            {"interval_seconds": 90, "starts_at": "2098-01-01T00:00:00.000Z", "ends_at": "2099-01-01T00:00:00.000Z"},
            "Every 90 seconds, counted from 2098-01-01 00:00 UTC, from 2098-01-01 00:00 UTC, until 2099-01-01 00:00 UTC",
        ),
        (HOURLY | {"is_active": False}, None),
    ],
)
async def test_an_added_schedule_says_what_it_means(desk: Desk, body: dict[str, Any], text: str | None) -> None:
    job = await desk.create()

    answer = await desk.call("POST", f"/{job['id']}/schedules", body)

    schedule = answer.json()
    assert (201, f"/api/v1/jobs/{job['id']}/schedules/{schedule['id']}") == (
        answer.status_code,
        answer.headers["location"],
    )
    assert schedule == IsPartialDict(body) == (await desk.read(job))["schedules"][0]
    assert text is None or text == schedule["text"]
    assert (schedule["next_run_at"] is None) == (body.get("is_active") is False)


async def test_a_job_has_a_hundred_schedules_at_most(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY] * 100)

    answer = await desk.call("POST", f"/{job['id']}/schedules", HOURLY)

    assert (409, 100) == (answer.status_code, len(await read_schedules(desk.database, id_of(job))))


WRONG_NEW: list[tuple[dict[str, Any], list[str]]] = [
    ({}, [""]),
    (CRON | HOURLY, [""]),
    (CRON | {"timezone": "Europe/berlin"}, ["/timezone"]),
    ({"cron_expression": "61 * * * *"}, ["/cron_expression"]),
    ({"run_at": "2000-01-01T00:00:00Z"}, ["/run_at"]),
    (HOURLY | {"ends_at": "2000-01-01T00:00:00Z"}, ["/ends_at"]),
    (HOURLY | {"dst_fold": "both"}, [""]),
    (HOURLY | {"params": {"a": 1}}, ["/params"]),
    (HOURLY | {"next_run_at": "2099-01-01T00:00:00Z"}, ["/next_run_at"]),
    (HOURLY | {"job_id": str(uuid4())}, ["/job_id"]),
]


@ONLY_SQLITE
async def test_a_wrong_schedule_is_refused_by_name_and_not_stored(desk: Desk) -> None:
    job = await desk.create(target=TARGET | {"body": "text"})

    found = [(body, faults(await desk.call("POST", f"/{job['id']}/schedules", body))) for body, _ in WRONG_NEW]

    assert WRONG_NEW == found
    assert [] == await read_schedules(desk.database, id_of(job))


@pytest.mark.parametrize(
    ("schedule", "patch", "expected"),
    [
        (CRON, {"cron_expression": "@hourly"}, {"cron_expression": "0 * * * *", "timezone": "Europe/Berlin"}),
        (CRON, {"timezone": "Asia/Tokyo"}, {"timezone": "Asia/Tokyo", "cron_expression": "30 2 * * 1-5"}),
        (CRON, {"timezone": None}, {"timezone": "UTC"}),
        (CRON, {"dst_gap": "skip", "dst_fold": "second"}, {"dst_gap": "skip", "dst_fold": "second"}),
        (CRON | {"dst_gap": "skip"}, {"dst_fold": "both"}, {"dst_gap": "skip", "dst_fold": "both"}),
        (CRON, {"params": {"a": 1}}, {"params": {"a": 1}}),
        (CRON | {"params": {"a": 1}}, {"params": None}, {"params": None}),
        (CRON, {"ends_at": "2099-01-01T00:00:00.000Z"}, {"ends_at": "2099-01-01T00:00:00.000Z"}),
        (CRON | {"ends_at": "2099-01-01T00:00:00.000Z"}, {"ends_at": None}, {"ends_at": None}),
        (CRON, {"starts_at": "2098-01-01T00:00:00.000Z"}, {"next_run_at": "2098-01-01T01:30:00.000Z"}),
        (ONCE, {"run_at": "2098-01-01T00:00:00.000Z"}, {"next_run_at": "2098-01-01T00:00:00.000Z"}),
        (HOURLY, {"starts_at": "2098-01-01T00:00:00.000Z"}, {"next_run_at": "2098-01-01T00:00:00.000Z"}),
        (CRON, {"is_active": False}, {"is_active": False, "next_run_at": None}),
        (CRON, {}, {}),
    ],
)
async def test_what_is_given_changes_and_all_else_stays(
    desk: Desk, schedule: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]
) -> None:
    job = await desk.create(schedules=[schedule])

    answer = await desk.call("PATCH", path_of(job), patch)

    [before], [after] = job["schedules"], (await desk.read(job))["schedules"]
    moved = {"next_run_at", "text"} if patch.keys() - {"params"} else set()
    assert (200, after) == (answer.status_code, answer.json())
    assert after == IsPartialDict(expected)
    assert facts(before, *patch, *moved) == facts(after, *patch, *moved)


WRONG_CHANGES: list[tuple[dict[str, Any], list[str]]] = [
    ({"cron_expression": None}, [""]),
    ({"interval_seconds": 60}, [""]),
    ({"run_at": "2099-01-01T00:00:00Z"}, [""]),
    ({"cron_expression": "0 0 30 2 *"}, ["/cron_expression"]),
    ({"timezone": "../etc/passwd"}, ["/timezone"]),
    ({"is_active": None}, ["/is_active"]),
    ({"dst_gap": None}, ["/dst_gap"]),
    ({"dst_fold": "third"}, ["/dst_fold"]),
    ({"ends_at": "2000-01-01T00:00:00Z"}, ["/ends_at"]),
    ({"starts_at": "2099-01-01T00:00:00Z", "ends_at": "2098-01-01T00:00:00Z"}, [""]),
    ({"last_slot_at": None}, ["/last_slot_at"]),
]


async def test_a_refused_change_leaves_the_schedule_as_it_is(desk: Desk) -> None:
    job = await desk.create(schedules=[CRON])

    found = [
        (wrong, faults(await desk.call("PATCH", path_of(job), {"params": {"a": 1}} | wrong)))
        for wrong, _ in WRONG_CHANGES
    ]

    assert WRONG_CHANGES == found
    assert job == await desk.read(job)


async def test_an_interval_is_counted_anew_from_its_change(desk: Desk) -> None:
    """It does not run at once, and not at what is left of the former interval."""
    job = await desk.create(schedules=[HOURLY])
    await let_pass(desk.database, id_of(job), timedelta(minutes=30))

    await desk.call("PATCH", path_of(job), {"interval_seconds": 600})

    [schedule] = await read_schedules(desk.database, id_of(job))
    async with read_only(desk.database) as session:
        now = await database_now(session)
    assert schedule.next_run_at == schedule.anchor_at + timedelta(minutes=10)
    assert timedelta(0) <= now - schedule.anchor_at < timedelta(minutes=1)


async def test_a_decided_slot_is_not_planned_again(desk: Desk) -> None:
    """Also when the clock has gone back since: the high-water mark of the schedule forbids it."""
    job = await desk.create(schedules=[HOURLY])
    [schedule] = await read_schedules(desk.database, id_of(job))
    decided = schedule.anchor_at + timedelta(hours=5)
    await set_schedules(desk.database, id_of(job), last_slot_at=decided)

    for active in (False, True):
        await desk.call("PATCH", path_of(job), {"is_active": active})

    [schedule] = await read_schedules(desk.database, id_of(job))
    assert decided + timedelta(hours=1) == schedule.next_run_at


async def test_a_deleted_schedule_leaves_its_slots_in_the_ledger(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    slots = await be_late(desk.database, id_of(job))
    await run_tick(desk.database, await lead(desk.database))

    deleted = await desk.call("DELETE", path_of(job))

    ledger = await desk.call("GET", f"/{job['id']}/slots", by=desk.viewer)
    assert (204, []) == (deleted.status_code, (await desk.read(job))["schedules"])
    assert slots == [one.scheduled_for for one in await read_executions(desk.database, id_of(job))]
    assert [job["schedules"][0]["id"]] == [item["schedule_id"] for item in ledger.json()["items"]]


async def test_a_schedule_that_cannot_be_evaluated_does_not_spoil_the_list(desk: Desk) -> None:
    """A zone that a new release of the zone data has dropped, say."""
    job = await desk.create(schedules=[CRON, HOURLY])
    await set_schedules(desk.database, id_of(job), timezone="Mars/Base")

    listed, read = await desk.call("GET"), await desk.read(job)
    off_and_on = [await desk.call("PATCH", f"/{job['id']}", {"is_active": active}) for active in (False, True)]
    mended = await desk.call("PATCH", path_of(job), {"timezone": "UTC"})

    assert [200] * 4 == [answer.status_code for answer in (listed, *off_and_on, mended)]
    assert "It cannot be evaluated." == read["schedules"][0]["text"]
    assert mended.json() == IsPartialDict(timezone="UTC", last_error=None, text="At 02:30, Monday to Friday (UTC)")
