"""Calendars over HTTP, and the schedules that leave their times out."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from dirty_equals import IsPartialDict

from stationmaster.kit.ids import new_id
from tests.domains.jobs.calendars.test_ical import calendar
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person
from tests.support.work import TARGET, Desk, faults, lead, read_executions, read_schedules, run_tick, set_schedules

DAILY = {"cron_expression": "0 9 * * *", "starts_at": "2099-12-20T00:00:00Z"}


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def call(desk: Desk, method: str, path: str = "", *, by: Person | None = None, **options: Any) -> httpx.Response:
    headers = (by or desk.owner).headers | options.pop("headers", {})
    return await desk.client.request(method, f"/api/v1/calendars{path}", headers=headers, **options)


async def make(desk: Desk, **facts: Any) -> dict[str, Any]:
    answer = await call(desk, "POST", json={"name": f"calendar-{new_id().hex}"} | facts)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def is_planned(desk: Desk, job: dict[str, Any], *instants: str) -> list[bool]:
    answers = [await desk.call("GET", f"/{job['id']}/why", params={"at": at}) for at in instants]
    return [answer.json()["is_planned"] for answer in answers]


async def test_creates_and_shows(desk: Desk) -> None:
    facts = {
        "dates": ["2026-12-26", "2026-12-25", "2026-12-25"],
        "ranges": [{"start": "2026-12-31T12:00:00+02:00", "end": "2027-01-02T00:00:00Z"}],
        "ical": calendar("DTSTART;VALUE=DATE:20270101"),
    }
    made = await call(desk, "POST", json={"name": f"holidays-{new_id()}"} | facts)

    shown = await desk.client.get(made.headers["location"], headers=desk.viewer.headers)
    listed = (await call(desk, "GET", f"?filter=name = {made.json()['name']}")).json()["items"]

    assert made.json() == IsPartialDict(
        dates=["2026-12-25", "2026-12-26"],
        ranges=[{"start": "2026-12-31T10:00:00.000Z", "end": "2027-01-02T00:00:00.000Z"}],
        ical_times=[{"start": "2027-01-01", "end": "2027-01-01", "name": "Event"}],
        schedule_count=0,
    )
    assert [made.json()] == [shown.json()] == listed


async def test_a_schedule_leaves_its_times_out_in_its_own_zone(desk: Desk) -> None:
    holidays = await make(desk, dates=["2099-12-25"], ranges=[{"start": "2099-12-31", "end": "2100-01-01"}])

    job = await desk.create(
        schedules=[DAILY | {"timezone": "Asia/Tokyo", "calendars": [holidays["name"]]}],
    )

    [schedule] = job["schedules"]
    assert [holidays["name"]] == schedule["calendars"]
    assert schedule["text"].endswith("except in the times of its calendars, from 2099-12-20 00:00 UTC")
    assert [True, False, True, False, False, True] == await is_planned(
        desk, job, *(f"{day}T00:00:00Z" for day in ("2099-12-24", "2099-12-25", "2099-12-26", "2099-12-31")),
        *(f"{day}T00:00:00Z" for day in ("2100-01-01", "2100-01-02")),
    )  # fmt: skip
    assert 1 == (await call(desk, "GET", f"/{holidays['id']}")).json()["schedule_count"]


async def test_an_instant_may_be_left_out_of_an_interval(desk: Desk) -> None:
    freeze = await make(desk, ranges=[{"start": "2099-12-20T01:00:00Z", "end": "2099-12-20T03:00:00Z"}])
    job = await desk.create(
        schedules=[{"interval_seconds": 3600, "starts_at": "2099-12-20T00:00:00Z", "calendars": [freeze["name"]]}]
    )

    planned = await is_planned(desk, job, *(f"2099-12-20T0{hour}:00:00Z" for hour in range(4)))

    assert [True, False, False, True] == planned


async def test_schedules_follow_a_changed_calendar(desk: Desk) -> None:
    holidays = await make(desk, dates=["2099-12-20"])
    job = await desk.create(schedules=[DAILY | {"calendars": [holidays["name"]]}])
    before = (await desk.read(job))["next_run_at"]

    name = f"renamed-{new_id()}"
    changed = await call(desk, "PATCH", f"/{holidays['id']}", json={"dates": ["2099-12-21"], "name": name})

    shown = await desk.read(job)
    assert ("2099-12-21T09:00:00.000Z", 200) == (before, changed.status_code)
    assert "2099-12-20T09:00:00.000Z" == shown["next_run_at"]
    assert [name] == shown["schedules"][0]["calendars"]
    assert [True, False] == await is_planned(desk, job, "2099-12-20T09:00:00Z", "2099-12-21T09:00:00Z")


async def test_a_schedule_can_take_one_up_and_leave_it(desk: Desk) -> None:
    holidays = await make(desk, dates=["2099-12-20"])
    job = await desk.create(schedules=[DAILY])
    place = f"/{job['id']}/schedules/{job['schedules'][0]['id']}"

    taken = await desk.call("PATCH", place, {"calendars": [holidays["name"]]})
    left = await desk.call("PATCH", place, {"calendars": []})

    assert ("2099-12-21T09:00:00.000Z", "2099-12-20T09:00:00.000Z") == (
        taken.json()["next_run_at"],
        left.json()["next_run_at"],
    )
    assert 0 == (await call(desk, "GET", f"/{holidays['id']}")).json()["schedule_count"]


async def test_a_closed_slot_is_not_made_up(desk: Desk) -> None:
    """The tick counts what is left only: of three past hours the second is closed."""
    job = await desk.create(
        schedules=[{"interval_seconds": 3600}], misfire={"policy": "all", "max_lateness_seconds": 9e4}
    )
    [schedule] = await read_schedules(desk.database, UUID(job["id"]))
    first = schedule.anchor_at - timedelta(hours=3)
    middle = [(first + timedelta(hours=hours)).isoformat().replace("+00:00", "Z") for hours in (0.5, 1.5)]
    await set_schedules(desk.database, UUID(job["id"]), anchor_at=first, next_run_at=first, closed=[middle])

    await run_tick(desk.database, await lead(desk.database))

    hours = [record.scheduled_for for record in await read_executions(desk.database, UUID(job["id"]))]
    assert [first + timedelta(hours=number) for number in (0, 2, 3)] == hours


async def test_one_that_is_used_is_not_deleted(desk: Desk) -> None:
    holidays = await make(desk, dates=["2099-12-20"])
    job = await desk.create(schedules=[DAILY | {"calendars": [holidays["name"]]}])

    used = await call(desk, "DELETE", f"/{holidays['id']}")
    await desk.call("DELETE", f"/{job['id']}")
    unused = await call(desk, "DELETE", f"/{holidays['id']}")

    assert (409, 204) == (used.status_code, unused.status_code)
    assert "1 schedule uses it" in used.json()["detail"]


@ONLY_SQLITE
async def test_who_may_do_what(desk: Desk) -> None:
    holidays = await make(desk)
    place, body = f"/{holidays['id']}", {"description": "other"}

    anonymous = await desk.client.get("/api/v1/calendars")
    found = [
        (await call(desk, "POST", json={"name": "x"}, by=desk.viewer)).status_code,
        (await call(desk, "PATCH", place, json=body, by=desk.stranger)).status_code,
        (await call(desk, "PATCH", place, json=body, by=desk.admin)).status_code,
        (await call(desk, "PATCH", place, json=body, headers={"If-Match": '"a.b"'})).status_code,
        (await call(desk, "GET", f"/{uuid4()}")).status_code,
        (await call(desk, "POST", json={"name": holidays["name"]})).status_code,
    ]

    assert [401, 403, 403, 200, 412, 404, 409] == [anonymous.status_code, *found]


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        ({"dates": ["2026-02-30"]}, ["/dates/0"]),
        ({"dates": ["tomorrow"]}, ["/dates/0"]),
        ({"ranges": [{"start": "2026-12-25", "end": "2026-12-24"}]}, ["/ranges/0"]),
        ({"ranges": [{"start": "2026-12-25", "end": "2026-12-26T00:00:00Z"}]}, ["/ranges/0"]),
        ({"ranges": [{"start": "2026-12-25T00:00:00", "end": "2026-12-26T00:00:00Z"}]}, ["/ranges/0/start"]),
        ({"ical": "nonsense"}, ["/ical"]),
        ({"colour": "red"}, ["/colour"]),
        ({"name": None}, ["/name"]),
    ],
)
async def test_names_the_wrong_field(desk: Desk, facts: dict[str, Any], fields: list[str]) -> None:
    assert fields == faults(await call(desk, "POST", json={"name": "x"} | facts))


@ONLY_SQLITE
async def test_calendars_that_are_not_there_are_refused(desk: Desk) -> None:
    schedule = DAILY | {"calendars": ["nowhere"]}

    answer = await desk.call("POST", body={"name": "x", "target": TARGET, "schedules": [DAILY, schedule]})

    assert ["/schedules/1/calendars/0"] == faults(answer)


async def test_spread_moves_each_schedule_by_an_amount_of_its_own(desk: Desk) -> None:
    minutes = {"cron_expression": "0 * * * *", "starts_at": "2099-12-20T00:00:00Z"}
    job = await desk.create(schedules=[minutes] * 20 + [{"run_at": "2099-12-20T00:00:00Z"}], spread_seconds=600)
    planned = datetime.fromisoformat("2099-12-20T00:00:00Z")

    offsets = [
        (datetime.fromisoformat(schedule["next_run_at"]) - planned).total_seconds() for schedule in job["schedules"]
    ]
    again = await desk.read(job)
    without = (await desk.call("PATCH", f"/{job['id']}", {"spread_seconds": 0})).json()

    assert all(0 <= offset <= 600 for offset in offsets)
    assert len(set(offsets)) > 10
    assert 0 == offsets[-1]
    assert job["schedules"] == again["schedules"]
    assert {"2099-12-20T00:00:00.000Z"} == {schedule["next_run_at"] for schedule in without["schedules"]}
