"""Running slots of the past."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.domains.executions.states import State, Trigger
from stationmaster.kit import clock
from tests.domains.jobs.following import change
from tests.support.databases import ONLY_SQLITE
from tests.support.work import (
    ALLOW,
    HOUR,
    HOURLY,
    Desk,
    be_late,
    faults,
    lead,
    read_executions,
    run_tick,
    set_schedules,
)


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def make(desk: Desk, count: int = 4, **fields: Any) -> tuple[dict[str, Any], list[datetime]]:
    """Make an hourly job with slots in the past that nobody has decided."""
    job = await desk.create(**({"schedules": [HOURLY], "overlap": ALLOW} | fields))
    slots = await be_late(desk.database, UUID(job["id"]), count=count, by=timedelta(minutes=5))
    await set_schedules(desk.database, UUID(job["id"]), next_run_at=slots[-1] + HOUR)
    return job, slots


async def fill(desk: Desk, job: dict[str, Any], slots: list[datetime], **wanted: Any) -> dict[str, Any]:
    body = {"from": slots[0].isoformat(), "to": (slots[-1] + timedelta(minutes=1)).isoformat()} | wanted
    answer = await desk.call("POST", f"/{job['id']}/backfill", body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def test_each_slot_gets_an_execution_one_after_the_other(desk: Desk) -> None:
    job, slots = await make(desk)

    found = await fill(desk, job, slots)

    rows = await read_executions(desk.database, UUID(job["id"]))
    assert found == IsPartialDict(slot_count=4, chosen_count=4, created_count=4)
    assert {slot["execution_id"] for slot in found["slots"]} == {str(row.id) for row in rows}
    assert [(slot, Trigger.BACKFILL, State.QUEUED, index > 0) for index, slot in enumerate(slots)] == [
        (row.scheduled_for, row.trigger, row.state, row.is_held) for row in rows
    ]


async def test_a_dry_run_makes_nothing(desk: Desk) -> None:
    job, slots = await make(desk)

    found = await fill(desk, job, slots, dry_run=True)

    assert found == IsPartialDict(slot_count=4, chosen_count=4, created_count=0)
    assert [(True, None)] * 4 == [(slot["is_chosen"], slot["execution_id"]) for slot in found["slots"]]
    assert [] == await read_executions(desk.database, UUID(job["id"]))


@pytest.mark.parametrize(("only", "chosen"), [("missing", [2]), ("failed", [1, 2]), ("all", [0, 1, 2])])
async def test_what_ran_is_left_out(desk: Desk, only: str, chosen: list[int]) -> None:
    job, slots = await make(desk)
    made = (await fill(desk, job, slots))["slots"]
    for slot, state in zip(made, (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.RUNNING), strict=True):
        await change(desk, UUID(slot["execution_id"]), state=state, finished_at=clock.now())

    found = await fill(desk, job, slots, only=only, dry_run=True)

    assert chosen == [index for index, slot in enumerate(found["slots"]) if slot["is_chosen"]]


async def test_slots_that_were_skipped_by_a_tick_count_as_missing_and_stay_recorded(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], overlap=ALLOW, misfire={"policy": "last"})
    slots = await be_late(desk.database, UUID(job["id"]), count=3, by=timedelta(minutes=5))
    await run_tick(desk.database, await lead(desk.database))

    found = await fill(desk, job, slots)

    assert [True, True, False] == [slot["is_chosen"] for slot in found["slots"]]
    ledger = (await desk.call("GET", f"/{job['id']}/slots")).json()
    assert [(1, "schedule"), (2, "schedule")] == sorted((row["slot_count"], row["trigger"]) for row in ledger["items"])


async def test_the_newest_may_come_first_and_several_at_a_time(desk: Desk) -> None:
    job, slots = await make(desk)

    await fill(desk, job, slots, newest_first=True, max_running=3)

    rows = sorted(await read_executions(desk.database, UUID(job["id"])), key=lambda row: row.id)
    assert [(slots[3], False), (slots[2], False), (slots[1], False), (slots[0], True)] == [
        (row.scheduled_for, row.is_held) for row in rows
    ]


async def test_a_job_whose_runs_may_not_overlap_waits_for_them(desk: Desk) -> None:
    job, slots = await make(desk, overlap={"policy": "skip"})
    await desk.call("POST", f"/{job['id']}/execute")

    await fill(desk, job, slots, max_running=10)

    rows = [row for row in await read_executions(desk.database, UUID(job["id"])) if row.trigger is Trigger.BACKFILL]
    assert [True] * 4 == [row.is_held for row in rows]


async def test_one_schedule_with_its_params(desk: Desk) -> None:
    params = {"depth": 3}
    job, slots = await make(desk, schedules=[HOURLY, HOURLY | {"params": params}])

    found = await fill(desk, job, slots, schedule_id=job["schedules"][1]["id"])

    rows = await read_executions(desk.database, UUID(job["id"]))
    assert (4, [params] * 4) == (found["slot_count"], [row.params for row in rows])


@ONLY_SQLITE
async def test_dates_cover_whole_days(desk: Desk) -> None:
    job = await desk.create(schedules=[{"cron_expression": "0 * * * *"}])

    found = await desk.call(
        "POST", f"/{job['id']}/backfill", {"from": "2020-01-01", "to": "2020-01-02", "dry_run": True}
    )

    assert (202, 48) == (found.status_code, found.json()["slot_count"])


@ONLY_SQLITE
async def test_what_cannot_be_filled_is_refused(desk: Desk) -> None:
    job, _ = await make(desk)
    past = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}

    found = [
        faults(await desk.call("POST", f"/{job['id']}/backfill", body))
        for body in (
            past | {"to": "2099-01-01T00:00:00Z"},
            past | {"to": "2020-01-01T00:00:00Z"},
            past | {"schedule_id": str(uuid4())},
            past | {"only": "some"},
            {},
        )
    ]
    await set_schedules(
        desk.database, UUID(job["id"]), interval_seconds=1, anchor_at=datetime.fromisoformat("2019-01-01T00:00:00Z")
    )
    too_many = faults(await desk.call("POST", f"/{job['id']}/backfill", past))

    assert [["/to"], [""], ["/schedule_id"], ["/only"], ["/from", "/to"]] == found
    assert ["/to"] == too_many
    statuses = [
        (await desk.call("POST", f"/{id_}/backfill", past, by=by)).status_code
        for id_, by in ((job["id"], desk.stranger), (job["id"], desk.viewer), (uuid4(), desk.owner))
    ]
    assert [403, 403, 404] == statuses
