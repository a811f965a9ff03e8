"""The ledger of decided slots, over HTTP."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from stationmaster.kit.instants import format_instant
from tests.support.work import ALLOW, HOUR, HOURLY, Desk, be_late, lead, run_tick


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def make_decided(desk: Desk, *, count: int) -> tuple[dict[str, Any], list[datetime]]:
    """Make an hourly job and let a leader decide its last slots: the newest runs, the others are merged into it."""
    job = await desk.create(schedules=[HOURLY], overlap=ALLOW)
    slots = await be_late(desk.database, UUID(job["id"]), count=count)
    await run_tick(desk.database, await lead(desk.database))
    return job, slots


async def test_the_ledger_lists_every_decided_slot_newest_first(desk: Desk) -> None:
    job, slots = await make_decided(desk, count=5)
    await desk.call("POST", f"/{job['id']}/execute")

    answer = await desk.call("GET", f"/{job['id']}/slots", by=desk.viewer)

    assert [(slots[0], 4, "skipped", "merged"), (slots[4], 1, "queued", None)] == sorted(
        (datetime.fromisoformat(item["scheduled_for"]), item["slot_count"], item["state"], item["reason"])
        for item in answer.json()["items"]
    )
    assert 2 == answer.json()["total"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, [0, 4]),
        (1, None, [0, 4]),
        (4, None, [4]),
        (None, 4, [0]),
        (None, 0, []),
        (1, 3, [0]),
        (5, None, []),
    ],
)
async def test_the_ledger_is_narrowed_by_the_slots_own_time(
    desk: Desk, start: int | None, end: int | None, expected: list[int]
) -> None:
    """A range that reaches into the span counts: slots 0 to 3 are one record, slot 4 another."""
    job, slots = await make_decided(desk, count=5)
    ends = {"from": start, "to": end}
    params = {name: format_instant(slots[0] + number * HOUR) for name, number in ends.items() if number is not None}

    answer = await desk.call("GET", f"/{job['id']}/slots", params=params)

    assert [format_instant(slots[number]) for number in expected] == sorted(
        item["scheduled_for"] for item in answer.json()["items"]
    )


@pytest.mark.parametrize("path", ["slots", "executions", "executions/stats"])
async def test_the_history_of_no_job_is_not_found(desk: Desk, path: str) -> None:
    anonymous = await desk.client.get(f"/api/v1/jobs/{uuid4()}/{path}")
    missing = await desk.call("GET", f"/{uuid4()}/{path}")

    assert [401, 404] == [anonymous.status_code, missing.status_code]
