"""Twenty-eight causes for which a slot ran, or did not, each brought about and asked about: `why` must name each.

What became of a slot is made by the tick, by the followers and by requests, as in the house; only clocks are turned, and what
executors would report is written.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.kit.instants import format_instant
from tests.domains.jobs.following import change
from tests.support.work import (
    ALLOW,
    HOUR,
    HOURLY,
    Desk,
    be_late,
    lead,
    read_executions,
    run_tick,
    set_schedules,
)

Job = dict[str, Any]
Cause = Callable[[Desk], Awaitable[tuple[Job, datetime]]]
MINUTES = timedelta(minutes=5)
FUTURE = "2099-01-01T06:00:00Z"
DAILY = {"cron_expression": "0 6 * * *"}


async def tick(desk: Desk) -> None:
    await run_tick(desk.database, await lead(desk.database))


async def decided(desk: Desk, count: int = 1, **fields: Any) -> tuple[Job, list[datetime]]:
    """Let a leader decide the last slots of an hourly job."""
    job = await desk.create(**({"schedules": [HOURLY], "overlap": ALLOW} | fields))
    slots = await be_late(desk.database, UUID(job["id"]), count=count, by=MINUTES)
    await tick(desk)
    return job, slots


def ended(state: State, reason: Reason | None = None, **columns: Any) -> Cause:
    async def bring_about(desk: Desk) -> tuple[Job, datetime]:
        job, [slot] = await decided(desk)
        [record] = await read_executions(desk.database, UUID(job["id"]))
        await change(
            desk, record.id, state=state, reason=reason, **({"attempt": 1, "finished_at": clock.now()} | columns)
        )
        return job, slot

    return bring_about


def at_future(words: str = FUTURE, **fields: Any) -> Cause:
    async def bring_about(desk: Desk) -> tuple[Job, datetime]:
        return await desk.create(**({"schedules": [DAILY]} | fields)), datetime.fromisoformat(words)

    return bring_about


async def merged(desk: Desk) -> tuple[Job, datetime]:
    job, slots = await decided(desk, 3)
    return job, slots[0]


async def missed(desk: Desk) -> tuple[Job, datetime]:
    job, slots = await decided(desk, misfire={"policy": "skip"})
    return job, slots[0]


async def overlapping(desk: Desk) -> tuple[Job, datetime]:
    job = await desk.create(schedules=[HOURLY])
    await desk.call("POST", f"/{job['id']}/execute")
    [slot] = await be_late(desk.database, UUID(job["id"]), by=MINUTES)
    await tick(desk)
    return job, slot


async def shared_key(desk: Desk) -> tuple[Job, datetime]:
    key = f"shared-{new_id()}"
    other = await desk.create(overlap={"key": key})
    await desk.call("POST", f"/{other['id']}/execute")
    job, [slot] = await decided(desk, overlap={"policy": "queue", "key": key})
    return job, slot


async def paused(desk: Desk) -> tuple[Job, datetime]:
    job = await desk.create(schedules=[HOURLY], overlap=ALLOW)
    await desk.call("POST", f"/{job['id']}/pause")
    [slot] = await be_late(desk.database, UUID(job["id"]), by=MINUTES)
    await tick(desk)
    return job, slot


async def maintained(desk: Desk) -> tuple[Job, datetime]:
    body = {"name": f"Category {new_id()}"}
    made = await desk.client.post("/api/v1/job-categories", json=body, headers=desk.admin.headers)
    job = await desk.create(schedules=[DAILY], category=made.json()["slug"])
    await desk.call("POST", "/pause", {"category": made.json()["slug"]}, by=desk.admin)
    return job, datetime.fromisoformat(FUTURE)


async def closed(desk: Desk) -> tuple[Job, datetime]:
    name = f"holidays-{new_id()}"
    body = {"name": name, "dates": ["2099-01-01"]}
    await desk.client.post("/api/v1/calendars", json=body, headers=desk.owner.headers)
    return await desk.create(schedules=[DAILY | {"calendars": [name]}]), datetime.fromisoformat(FUTURE)


async def spread(desk: Desk) -> tuple[Job, datetime]:
    job = await desk.create(schedules=[DAILY])
    await set_schedules(desk.database, UUID(job["id"]), offset_seconds=90)
    return job, datetime.fromisoformat(FUTURE)


async def undecided(desk: Desk) -> tuple[Job, datetime]:
    job = await desk.create(schedules=[HOURLY])
    slots = await be_late(desk.database, UUID(job["id"]), by=MINUTES)
    await set_schedules(desk.database, UUID(job["id"]), created_at=slots[0] - HOUR)
    return job, slots[0]


async def too_early(desk: Desk) -> tuple[Job, datetime]:
    job = await desk.create(schedules=[DAILY])
    return job, datetime.fromisoformat("2020-01-01T06:00:00Z")


async def unreadable(desk: Desk) -> tuple[Job, datetime]:
    job = await desk.create(schedules=[DAILY])
    slot = clock.now() - HOUR
    await set_schedules(desk.database, UUID(job["id"]), cron_expression="61 * * * *", next_run_at=slot)
    await tick(desk)
    return job, slot


CAUSES: dict[str, tuple[Cause, str]] = {
    "it succeeded": (ended(State.SUCCEEDED), "ran and succeeded, at attempt 1"),
    "the target failed": (ended(State.FAILED, Reason.SERVER_ERROR, error="It said 503."), "server_error. It said 503."),
    "it took too long": (ended(State.TIMED_OUT, Reason.TIMEOUT), "ended as timed_out"),
    "its replica died": (ended(State.LOST, Reason.LOST), "ended as lost"),
    "somebody cancelled it": (ended(State.CANCELLED, Reason.REQUESTED, attempt=0), "cancelled before it began"),
    "a newer one replaced it": (ended(State.CANCELLED, Reason.REPLACED), "Reason: replaced"),
    "it runs": (ended(State.RUNNING, finished_at=None), "is running, at attempt 1"),
    "it waits for its turn": (ended(State.QUEUED, attempt=0, finished_at=None), "waits for a free place"),
    "it waits to be tried again": (ended(State.QUEUED, finished_at=None), "the next attempt waits"),
    "a later slot ran for it": (merged, "a later slot ran for it"),
    "it was noticed too late": (missed, "too late to run"),
    "another run was under way": (overlapping, "the same overlap key was under way"),
    "another job has the key": (shared_key, "waits for another execution with the same overlap key"),
    "the job paused": (paused, "the job was paused"),
    "its category pauses": (maintained, "The job is paused"),
    "a calendar is closed": (closed, "are closed then"),
    "the end date has passed": (at_future(end_date="2098-12-31"), "after the job's end date"),
    "the schedule has ended": (at_future(schedules=[DAILY | {"ends_at": "2098-01-01T00:00:00Z"}]), "has ended by then"),
    "the schedule has not begun": (at_future(schedules=[DAILY | {"starts_at": "2099-06-01T00:00:00Z"}]), "not begun"),
    "spread moved it": (spread, "comes 90 s later"),
    "the job is off": (at_future(is_active=False), "The job is not active"),
    "the schedule is off": (at_future(schedules=[DAILY | {"is_active": False}]), "The schedule is not active"),
    "there is no schedule": (at_future(schedules=[]), "runs on request only"),
    "there is no slot": (at_future("2099-01-01T06:01:00Z"), "No schedule of the job has a slot at that instant"),
    "it is still to come": (at_future(), "lies in the future and is planned."),
    "nobody has looked": (undecided, "due and not decided yet"),
    "it is older than the schedule": (too_early, "did not exist at that time"),
    "the schedule cannot be evaluated": (unreadable, "could not be evaluated and rests"),
}


@pytest.mark.parametrize("name", CAUSES)
async def test_each_cause_is_named(shared_desk: Desk, name: str) -> None:
    bring_about, words = CAUSES[name]
    job, at = await bring_about(shared_desk)

    answer = await shared_desk.call("GET", f"/{job['id']}/why", params={"at": format_instant(at)})

    assert words in answer.json()["explanation"]


def test_there_are_at_least_twenty() -> None:
    assert len(CAUSES) >= 20
