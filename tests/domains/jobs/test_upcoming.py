"""The coming runs of all jobs."""

from typing import Any

import pytest

from tests.support.databases import ONLY_SQLITE
from tests.support.work import Desk, faults

SPAN = "from=2099-01-01T00:00:00Z&to=2099-01-01T04:00:00Z"


def hourly(minute: int, **more: Any) -> dict[str, Any]:
    return {"cron_expression": f"{minute} * * * *", "starts_at": "2099-01-01T00:00:00Z"} | more


async def ask(desk: Desk, query: str = SPAN) -> dict[str, Any]:
    answer = await desk.call("GET", f"/upcoming?{query}", by=desk.viewer)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def times(found: dict[str, Any]) -> list[str]:
    return [item["at"][11:16] for item in found["items"]]


async def test_runs_of_all_jobs_are_merged_by_time(desk: Desk) -> None:
    first = await desk.create(schedules=[hourly(0), hourly(30)])
    second = await desk.create(schedules=[{"run_at": "2099-01-01T01:15:00Z"}])

    found = await ask(desk)

    assert ["00:00", "00:30", "01:00", "01:15", "01:30", "02:00", "02:30", "03:00", "03:30"] == times(found)
    assert {first["name"], second["name"]} == {item["job_name"] for item in found["items"]}
    assert found["is_complete"]
    assert ("2099-01-01T00:00:00.000Z", "2099-01-01T04:00:00.000Z") == (found["from"], found["to"])


async def test_the_earliest_come_first_however_many_there_are(desk: Desk) -> None:
    for minute in (50, 10, 40, 20):
        await desk.create(schedules=[hourly(minute)])

    found = await ask(desk, f"{SPAN}&size=3")

    assert (["00:10", "00:20", "00:40"], 16, 6) == (times(found), found["total"], found["pages"])
    assert ["00:50", "01:10", "01:20"] == times(await ask(desk, f"{SPAN}&size=3&page=2"))


async def test_of_very_many_it_lists_the_first(desk: Desk) -> None:
    await desk.create(schedules=[{"cron_expression": "* * * * *", "starts_at": "2099-01-01T00:00:00Z"}])

    whole = await ask(desk, "from=2099-01-01T00:00:00Z&to=2099-01-01T16:40:00Z")
    more = await ask(desk, "from=2099-01-01T00:00:00Z&to=2099-01-01T16:41:00Z")

    assert [(1000, True), (1000, False)] == [(found["total"], found["is_complete"]) for found in (whole, more)]


async def test_what_pauses_says_so_and_what_is_off_is_not_there(desk: Desk) -> None:
    paused = await desk.create(schedules=[hourly(5)])
    await desk.call("POST", f"/{paused['id']}/pause", {"until": "2099-01-01T01:00:00Z"})
    await desk.create(schedules=[hourly(6)], is_active=False)

    found = await ask(desk, f"{SPAN}&size=2")
    await desk.call("POST", "/pause", by=desk.admin)
    all_paused = await ask(desk, f"{SPAN}&size=2")

    assert [("00:05", True), ("01:05", False)] == [(item["at"][11:16], item["is_paused"]) for item in found["items"]]
    assert [True, True] == [item["is_paused"] for item in all_paused["items"]]


async def test_it_is_narrowed(desk: Desk) -> None:
    job = await desk.create(schedules=[hourly(5)])
    other = await desk.call(
        "POST", body={"name": "other", "target": job["target"], "schedules": [hourly(6)]}, by=desk.admin
    )
    assert other.status_code == 201, other.text

    counts = [
        len((await ask(desk, f"{SPAN}&{query}"))["items"])
        for query in (f"job_id={job['id']}", f"owner_id={desk.admin.id}", "category=general", "size=1")
    ]

    assert [4, 4, 8, 1] == counts


async def test_without_a_time_it_is_the_next_day(desk: Desk) -> None:
    await desk.create(schedules=[{"interval_seconds": 3600}])

    assert 24 == len((await ask(desk, ""))["items"])


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2099-01-01T00:00:00Z&to=2099-03-01T00:00:00Z", "to"),
        ("from=2099-01-02T00:00:00Z&to=2099-01-01T00:00:00Z", "to"),
        ("size=101", "size"),
        ("category=nowhere", "category"),
        ("colour=red", "colour"),
    ],
)
async def test_wrong_questions_are_refused(desk: Desk, query: str, field: str) -> None:
    assert [field] == faults(await desk.call("GET", f"/upcoming?{query}"))
