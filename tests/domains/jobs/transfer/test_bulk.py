"""One thing done with several jobs."""

from typing import Any
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict

from tests.support.databases import ONLY_SQLITE
from tests.support.work import HOURLY, Desk, faults


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def act(desk: Desk, action: str, *ids: str, **more: Any) -> dict[str, Any]:
    answer = await desk.call("POST", "/bulk", {"action": action, "ids": list(ids)} | more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_jobs_are_switched_off_and_on(desk: Desk) -> None:
    jobs = [await desk.create(schedules=[HOURLY]) for _ in range(3)]
    ids = [job["id"] for job in jobs]

    off = await act(desk, "disable", *ids)
    shown_off = [(await desk.read(job))["is_active"] for job in jobs]
    await act(desk, "enable", *ids)

    assert off == IsPartialDict(changed_count=3, failed_count=0)
    assert [False] * 3 == shown_off
    assert [True] * 3 == [(await desk.read(job))["next_run_at"] is not None for job in jobs]


async def test_each_is_told_by_itself(desk: Desk) -> None:
    mine = await desk.create()
    theirs = (
        await desk.call("POST", body={"name": f"theirs {uuid4()}", "target": mine["target"]}, by=desk.admin)
    ).json()

    done = await act(desk, "disable", mine["id"], theirs["id"], str(uuid4()), mine["id"])

    assert (1, 2) == (done["changed_count"], done["failed_count"])
    assert [True, False, False] == [result["ok"] for result in done["results"]]
    assert ["owner", "There is no job"] == [
        word for result, word in zip(done["results"][1:], ("owner", "There is no job"), strict=True)
        if word in result["error"]
    ]  # fmt: skip
    assert (await desk.read(theirs))["is_active"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
async def test_jobs_that_wait_for_each_other_go_together(desk: Desk, order: tuple[int, ...]) -> None:
    first = await desk.create()
    second = await desk.create(depends_on=[{"job": first["id"]}])
    third = await desk.create(depends_on=[{"job": second["id"]}])
    ids = [job["id"] for job in (first, second, third)]

    alone = await act(desk, "delete", first["id"])
    together = await act(desk, "delete", *(ids[index] for index in order))

    assert (1, 3) == (alone["failed_count"], together["changed_count"])


async def test_labels_are_set(desk: Desk) -> None:
    body = {"name": f"Team {uuid4()}"}
    team = (await desk.client.post("/api/v1/teams", json=body, headers=desk.admin.headers)).json()["slug"]
    job = await desk.create()

    await act(desk, "set_team", job["id"], team=team)
    with_team = await desk.read(job)
    await act(desk, "set_team", job["id"])
    wrong = await act(desk, "set_category", job["id"], category="nowhere")

    assert (team, None) == (with_team["team"], (await desk.read(job))["team"])
    assert "there is no job category" in wrong["results"][0]["error"]


@ONLY_SQLITE
async def test_what_has_no_effect_is_refused(desk: Desk) -> None:
    id_ = str(uuid4())
    wrong = [
        {"action": "disable", "ids": [id_], "team": "x"},
        {"action": "set_category", "ids": [id_]},
        {"action": "disable", "ids": []},
        {"action": "explode", "ids": [id_]},
    ]

    found = [faults(await desk.call("POST", "/bulk", body)) for body in wrong]

    assert [[""], [""], ["/ids"], ["/action"]] == found
    assert 403 == (await desk.call("POST", "/bulk", {"action": "enable", "ids": [id_]}, by=desk.viewer)).status_code
