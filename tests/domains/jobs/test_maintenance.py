"""Pauses of a category, or of everything."""

from typing import Any
from uuid import UUID

import pytest
from dirty_equals import IsPartialDict, IsStr

from stationmaster.domains.executions.states import Reason
from stationmaster.kit.ids import new_id
from tests.domains.jobs.following import run
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
)


async def make_category(desk: Desk) -> str:
    body = {"name": f"Category {new_id()}"}
    answer = await desk.client.post("/api/v1/job-categories", json=body, headers=desk.admin.headers)
    return str(answer.json()["slug"])


async def tick(desk: Desk) -> None:
    await run_tick(desk.database, await lead(desk.database))


async def told(desk: Desk, job: dict[str, Any]) -> list[tuple[str | None, int]]:
    rows = await read_executions(desk.database, UUID(job["id"]))
    return [(row.reason.value if row.reason else None, row.slot_count) for row in rows]


async def test_the_slots_of_a_category_pass_and_are_recorded(desk: Desk) -> None:
    category = await make_category(desk)
    inside = await desk.create(schedules=[HOURLY], overlap=ALLOW, category=category)
    outside = await desk.create(schedules=[HOURLY], overlap=ALLOW)
    begun = await desk.call("POST", "/pause", {"category": category, "reason": "move"}, by=desk.admin)
    for job in (inside, outside):
        await be_late(desk.database, UUID(job["id"]))

    await tick(desk)

    assert (201, category, "move") == (begun.status_code, begun.json()["category"], begun.json()["reason"])
    assert [[("paused", 1)], [(None, 1)]] == [await told(desk, job) for job in (inside, outside)]
    assert await desk.read(inside) == IsPartialDict(
        next_run_at=None, paused_at=None, maintenance=IsPartialDict(category=category, reason="move")
    )
    assert await desk.read(outside) == IsPartialDict(next_run_at=IsStr(), maintenance=None)


async def test_a_long_pause_of_everything_is_one_record_and_ends(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY], overlap=ALLOW)
    await desk.call("POST", "/pause", by=desk.admin)
    for _ in range(3):
        await let_pass(desk.database, UUID(job["id"]), HOUR)
        await tick(desk)

    ended = await desk.call("POST", "/resume", by=desk.admin)
    await tick(desk)
    await be_late(desk.database, UUID(job["id"]))
    await tick(desk)

    assert (200, None) == (ended.status_code, ended.json()["category"])
    assert [("paused", 3), (None, 1)] == await told(desk, job)
    assert [] == (await desk.call("GET", "/pauses")).json()["items"]


async def test_requests_still_run_and_jobs_that_wait_do_not(desk: Desk) -> None:
    first = await desk.create(overlap=ALLOW)
    second = await desk.create(overlap=ALLOW, depends_on=[{"job": first["name"]}])
    await desk.call("POST", "/pause", by=desk.admin)

    await run(desk, first)

    [record] = await read_executions(desk.database, UUID(second["id"]))
    assert Reason.PAUSED == record.reason


async def test_pauses_are_listed_the_widest_first(desk: Desk) -> None:
    category = await make_category(desk)
    for body in ({"category": category}, {"until": "2099-01-01T00:00:00Z"}):
        assert 201 == (await desk.call("POST", "/pause", body, by=desk.admin)).status_code

    answer = await desk.call("GET", "/pauses", by=desk.viewer)
    listed = answer.json()["items"]

    first = (await desk.call("GET", "/pauses?size=1", by=desk.viewer)).json()

    assert [None, category] == [item["category"] for item in listed]
    assert "2" == answer.headers["x-total-count"]
    assert (listed[:1], 2) == (first["items"], first["pages"])
    assert "2099-01-01T00:00:00.000Z" == listed[0]["paused_until"]


@ONLY_SQLITE
async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    await desk.call("POST", "/pause", by=desk.admin)

    twice = await desk.call("POST", "/pause", by=desk.admin)
    never = await desk.call("POST", "/resume", {"category": "general"}, by=desk.admin)
    by_user = [await desk.call("POST", path) for path in ("/pause", "/resume")]
    wrong = [
        faults(await desk.call("POST", "/pause", {"category": "nowhere"}, by=desk.admin)),
        faults(await desk.call("POST", "/pause", {"until": "2020-01-01T00:00:00Z"}, by=desk.admin)),
    ]

    assert [409, 409, 403, 403] == [answer.status_code for answer in (twice, never, *by_user)]
    assert [["/category"], ["/until"]] == wrong


class TestResumingFromATime:
    async def make_paused(self, desk: Desk, hours: int, **fields: Any) -> tuple[dict[str, Any], list[Any]]:
        """Make a job that has paused for some hours, each with a slot."""
        job = await desk.create(schedules=[HOURLY], overlap=ALLOW, **fields)
        await desk.call("POST", f"/{job['id']}/pause")
        await let_pass(desk.database, UUID(job["id"]), (hours + 0.5) * HOUR)
        await tick(desk)
        [schedule] = await read_schedules(desk.database, UUID(job["id"]))
        return job, [schedule.anchor_at + number * HOUR for number in range(1, hours + 1)]

    @pytest.mark.parametrize(
        ("policy", "expected"),
        [
            ("all", [("paused", 2), (None, 1), (None, 1), (None, 1)]),
            ("last", [("paused", 2), ("merged", 2), (None, 1)]),
        ],
    )
    async def test_its_slots_are_taken_up_again(
        self, desk: Desk, policy: str, expected: list[tuple[str | None, int]]
    ) -> None:
        job, slots = await self.make_paused(desk, 5, misfire={"policy": policy, "max_lateness_seconds": 90_000})

        answer = await desk.call("POST", f"/{job['id']}/resume", {"from": slots[2].isoformat()})
        await tick(desk)

        assert (200, None) == (answer.status_code, answer.json()["paused_at"])
        assert expected == await told(desk, job)
        assert (await desk.read(job))["pause_cause"] is None

    async def test_a_later_time_ends_the_pause_then(self, desk: Desk) -> None:
        job, _ = await self.make_paused(desk, 1)

        answer = await desk.call("POST", f"/{job['id']}/resume", {"from": "2099-01-01T00:00:00Z"})

        assert answer.json() == IsPartialDict(paused_at=IsStr(), paused_until="2099-01-01T00:00:00.000Z")

    async def test_a_time_before_the_pause_is_refused(self, desk: Desk) -> None:
        job, slots = await self.make_paused(desk, 1)

        answer = await desk.call("POST", f"/{job['id']}/resume", {"from": (slots[0] - 9 * HOUR).isoformat()})

        assert ["/from"] == faults(answer)
        assert [("paused", 1)] == await told(desk, job)
