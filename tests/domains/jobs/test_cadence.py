"""The warning when runs take longer than the time to the next slot."""

from typing import Any

import pytest
from dirty_equals import IsPartialDict, IsStr

from tests.domains.jobs.following import change, run
from tests.support.work import ALLOW, Desk


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def judge(desk: Desk, seconds: float, count: int = 3, **fields: Any) -> dict[str, Any]:
    job = await desk.create(**({"overlap": ALLOW} | fields))
    for _ in range(count):
        await change(desk, await run(desk, job), duration_seconds=seconds)
    answer = await desk.call("GET", f"/{job['id']}/executions/stats", by=desk.viewer)
    assert answer.status_code == 200, answer.text
    assert (count, seconds) == (answer.json()["succeeded"], answer.json()["duration_seconds"]["p95"])
    return dict(answer.json()["cadence"])


@pytest.mark.parametrize(
    ("policy", "words"), [("allow", "side by side"), ("queue", "queue grows"), ("skip", "slots are skipped")]
)
async def test_slow_runs_are_warned_of(desk: Desk, policy: str, words: str) -> None:
    overlap = {"policy": policy, "max_running": 10}
    schedules = [{"interval_seconds": 600}, {"cron_expression": "* * * * *"}]

    cadence = await judge(desk, 61.5, schedules=schedules, overlap=overlap)

    assert cadence == {
        "interval_seconds": 60,
        "usual_duration_seconds": 61.5,
        "is_drifting": True,
        "warning": IsStr(regex=f".*more than 61.5 s.*every 60 s.*{words}.*"),
    }


@pytest.mark.parametrize(
    ("seconds", "count", "fields"),
    [
        (59.0, 3, {"schedules": [{"interval_seconds": 60}]}),
        (61.0, 2, {"schedules": [{"interval_seconds": 60}]}),
        (61.0, 3, {}),
        (61.0, 3, {"schedules": [{"interval_seconds": 60, "is_active": False}]}),
        (61.0, 3, {"schedules": [{"run_at": "2099-01-01T00:00:00Z"}]}),
    ],
)
async def test_others_are_not(desk: Desk, seconds: float, count: int, fields: dict[str, Any]) -> None:
    assert await judge(desk, seconds, count, **fields) == IsPartialDict(is_drifting=False, warning=None)
