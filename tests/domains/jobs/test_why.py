"""Why a slot ran or did not, in words; and the ledger of slots."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from dirty_equals import IsPartialDict
from sqlmodel import col

from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit.instants import format_instant
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
    read_schedules,
    run_tick,
    set_job,
    set_schedules,
)

MINUTE = timedelta(minutes=1)
NOT_DECIDED = "The slot is due and not decided yet"


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


def id_of(job: dict[str, Any]) -> UUID:
    return UUID(job["id"])


async def ask(desk: Desk, job: dict[str, Any], at: datetime) -> dict[str, Any]:
    answer = await desk.call("GET", f"/{job['id']}/why", params={"at": format_instant(at)}, by=desk.viewer)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def make_decided(desk: Desk, *, count: int = 1, by: timedelta = MINUTE, **fields: Any) -> Any:
    """Make an hourly job and let a leader decide its last slots."""
    job = await desk.create(**({"schedules": [HOURLY], "overlap": ALLOW} | fields))
    slots = await be_late(desk.database, id_of(job), count=count, by=by)
    await run_tick(desk.database, await lead(desk.database))
    return job, slots


async def set_execution(desk: Desk, job: dict[str, Any], **columns: Any) -> None:
    async with unit_of_work(desk.database) as session:
        await session.execute(sa.update(Execution).where(col(Execution.job_id) == id_of(job)).values(**columns))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"state": State.SUCCEEDED, "attempt": 2, "max_attempts": 3}, ["ran and succeeded, at attempt 2 of 3"]),
        (
            {"state": State.FAILED, "attempt": 1, "reason": Reason.SERVER_ERROR, "error": "It answered 503."},
            ["ended as failed at attempt 1", "Reason: server_error.", "It answered 503."],
        ),
        ({"state": State.TIMED_OUT, "attempt": 1, "reason": Reason.TIMEOUT}, ["ended as timed_out at attempt 1"]),
        ({"state": State.LOST, "attempt": 1, "reason": Reason.LOST}, ["ended as lost at attempt 1"]),
        ({"state": State.CANCELLED, "attempt": 1, "reason": Reason.REPLACED}, ["ended as cancelled", "replaced"]),
        (
            {"state": State.CANCELLED, "attempt": 0, "reason": Reason.REQUESTED},
            ["cancelled before it began", "requested"],
        ),
        ({"state": State.RUNNING, "attempt": 2}, ["is running, at attempt 2"]),
        ({"state": State.QUEUED}, ["queued and waits for a free place"]),
        ({"state": State.QUEUED, "attempt": 1}, ["ran and failed at attempt 1; the next attempt waits"]),
        ({"state": State.QUEUED, "is_held": True}, ["waits for another execution with the same overlap key"]),
        ({"state": State.SKIPPED, "reason": Reason.OVERLAP}, ["did not run", "the same overlap key was under way"]),
    ],
)
async def test_a_decided_slot_is_told_by_its_record(desk: Desk, columns: dict[str, Any], words: list[str]) -> None:
    job, [slot] = await make_decided(desk)
    await set_execution(desk, job, **columns)

    why = await ask(desk, job, slot)

    [record] = await read_executions(desk.database, id_of(job))
    assert [] == [word for word in words if word not in why["explanation"]]
    assert why == IsPartialDict(
        at=format_instant(slot),
        is_planned=True,
        schedule_id=job["schedules"][0]["id"],
        execution=IsPartialDict(id=str(record.id)),
        previous_slot=None,
        next_slot=format_instant(slot + HOUR),
    )


@pytest.mark.parametrize(
    ("misfire", "words"),
    [
        ({}, "a later slot ran for it"),
        ({"policy": "skip"}, "too late to run"),
        ({"max_lateness_seconds": 1}, "too late to run"),
    ],
)
async def test_each_slot_of_a_gap_is_told_by_its_range(desk: Desk, misfire: dict[str, Any], words: str) -> None:
    job, slots = await make_decided(desk, count=5, misfire=misfire)

    told = [await ask(desk, job, slot) for slot in slots[:4]]

    assert [True] * 4 == [words in why["explanation"] for why in told]
    assert 1 == len({why["execution"]["id"] for why in told})


async def test_an_instant_between_the_slots_of_a_gap_is_no_slot(desk: Desk) -> None:
    job, slots = await make_decided(desk, count=5)

    why = await ask(desk, job, slots[1] + MINUTE)

    assert why == IsPartialDict(is_planned=False, execution=None, schedule_id=None)
    assert "No schedule of the job has a slot at that instant" in why["explanation"]
    assert (format_instant(slots[1]), format_instant(slots[2])) == (why["previous_slot"], why["next_slot"])


async def test_the_slots_of_a_deleted_schedule_are_still_told(desk: Desk) -> None:
    job, slots = await make_decided(desk, count=5)
    await desk.call("DELETE", f"/{job['id']}/schedules/{job['schedules'][0]['id']}")

    told = [await ask(desk, job, slot) for slot in (slots[1], slots[4], slots[4] + HOUR)]

    assert [True, True, False] == [why["is_planned"] for why in told]
    assert "The job has no schedule: it runs on request only." == told[2]["explanation"]


async def test_slots_of_a_pause_say_so(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    [schedule] = await read_schedules(desk.database, id_of(job))
    await set_job(desk.database, id_of(job), paused_at=schedule.anchor_at)
    await let_pass(desk.database, id_of(job), 2.5 * HOUR)
    await run_tick(desk.database, await lead(desk.database))
    [schedule] = await read_schedules(desk.database, id_of(job))

    past, future = [await ask(desk, job, schedule.anchor_at + number * HOUR) for number in (1, 3)]

    assert "The slot did not run: the job was paused." == past["explanation"]
    assert "is planned. The job is paused, so it will not run unless it is resumed" in future["explanation"]


async def test_a_slot_to_come_is_planned(desk: Desk) -> None:
    job, [slot] = await make_decided(desk)

    why = await ask(desk, job, slot + 5 * HOUR)

    assert ("The slot lies in the future and is planned.", None) == (why["explanation"], why["execution"])


async def test_a_slot_that_nobody_has_looked_at_says_so(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    slots = await be_late(desk.database, id_of(job), count=3)
    await set_schedules(desk.database, id_of(job), created_at=slots[0] - HOUR)

    told = [(await ask(desk, job, slot))["explanation"] for slot in slots]

    assert [True] * 3 == [NOT_DECIDED in text for text in told]


async def test_slots_before_a_schedule_was_made_or_changed_say_so(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    slots = await be_late(desk.database, id_of(job), count=3)
    await set_schedules(
        desk.database, id_of(job), created_at=slots[1] - MINUTE, next_run_at=slots[2], anchor_at=slots[0]
    )

    told = [(await ask(desk, job, slot))["explanation"] for slot in slots]

    assert "The schedule did not exist at that time." == told[0]
    assert "made, changed or switched on only after that instant" in told[1]
    assert NOT_DECIDED in told[2]


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"is_active": False}, "The job is not active"),
        ({"schedules": []}, "The job has no schedule"),
        (
            {"schedules": [HOURLY | {"is_active": False, "starts_at": "2098-01-01T00:00:00Z"}]},
            "The schedule is not active",
        ),
        ({"schedules": [HOURLY | {"starts_at": "2098-01-01T00:00:00Z"}]}, "is planned."),
        ({"schedules": [HOURLY | {"starts_at": "2098-01-01T00:00:01Z"}]}, "No schedule of the job has a slot"),
        (
            {
                "schedules": [
                    HOURLY | {"starts_at": "2098-01-01T00:00:00Z", "is_active": active} for active in (False, True)
                ]
            },
            "is planned.",
        ),
    ],
)
async def test_a_slot_that_will_not_run_says_why(desk: Desk, patch: dict[str, Any], words: str) -> None:
    job = await desk.create(schedules=[HOURLY | {"starts_at": "2098-01-01T00:00:00Z"}])
    await desk.call("PATCH", f"/{job['id']}", patch)

    why = await ask(desk, job, datetime.fromisoformat("2098-01-02T00:00:00Z"))

    assert words in why["explanation"]


async def test_a_schedule_that_rests_says_what_is_wrong_with_it(desk: Desk) -> None:
    job = await desk.create(schedules=[{"cron_expression": "0 * * * *"}])
    [schedule] = await read_schedules(desk.database, id_of(job))
    assert schedule.next_run_at is not None
    slot = schedule.next_run_at - HOUR
    await set_schedules(desk.database, id_of(job), cron_expression="61 * * * *", next_run_at=slot)
    await run_tick(desk.database, await lead(desk.database))

    why = await ask(desk, job, slot)

    assert "could not be evaluated and rests: CronError" in why["explanation"]


async def test_who_may_ask(desk: Desk) -> None:
    job = await desk.create()
    query = "?at=2026-11-21T00:00:00Z"

    anonymous = await desk.client.get(f"/api/v1/jobs/{job['id']}/why{query}")
    answers = [await desk.call("GET", f"/{id_}/why{query}", by=desk.viewer) for id_ in (uuid4(), job["id"])]

    assert [401, 404, 200] == [anonymous.status_code, *(answer.status_code for answer in answers)]


@ONLY_SQLITE
async def test_an_instant_that_is_none_is_refused(desk: Desk) -> None:
    job = await desk.create()
    wrong = ["2026-11-21", "soon", "", "2026-11-21T00:00:00", "2026-02-30T00:00:00Z"]

    found = [faults(await desk.call("GET", f"/{job['id']}/why", params={"at": text})) for text in wrong]

    assert [["at"]] * len(wrong) == found
    assert ["at"] == faults(await desk.call("GET", f"/{job['id']}/why"))


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
@pytest.mark.parametrize("schedule", [{"cron_expression": "* * * * *"}, HOURLY, {"run_at": "2099-01-01T00:00:00Z"}])
async def test_the_ends_of_time_are_instants_too(desk: Desk, text: str, schedule: dict[str, Any]) -> None:
    job = await desk.create(schedules=[schedule])

    assert 200 == (await desk.call("GET", f"/{job['id']}/why", params={"at": text})).status_code
