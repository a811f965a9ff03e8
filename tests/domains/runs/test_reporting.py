"""Reports of step runs: the moves, the times, the rule for the run, and reports by names."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.domains.runs.status import MOVES, StepStatus
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.support.people import make_key
from tests.support.tracking import Yard, faults, statuses, step_run

BEGAN, ENDED = "2026-11-21T08:00:00.000Z", "2026-11-21T08:00:10.000Z"


@pytest.mark.parametrize("present", StepStatus)
async def test_only_the_moves_of_the_table_are_taken(yard: Yard, present: StepStatus) -> None:
    process = await yard.make_process("a")
    found = {}
    for wanted in StepStatus:
        run = await yard.begin(process)
        if present is not StepStatus.PENDING:
            await yard.report(run, "a", status=present)
        found[wanted] = (await yard.try_report(run, "a", status=wanted)).status_code

    assert {wanted: 200 if wanted in MOVES[present] | {present} else 409 for wanted in StepStatus} == found


RULES = [
    (["pending", "pending"], "pending"),
    (["running", "pending"], "running"),
    (["success", "pending"], "running"),
    (["optional", "pending"], "running"),
    (["success", "running"], "running"),
    (["success", "success"], "completed"),
    (["success", "optional"], "completed"),
    (["optional", "optional"], "completed"),
    (["skipped", "success"], "completed"),
    (["skipped", "skipped"], "completed"),
    (["failed", "pending"], "failed"),
    (["failed", "running"], "failed"),
    (["failed", "cancelled"], "failed"),
    (["cancelled", "running"], "cancelled"),
    (["cancelled", "success"], "cancelled"),
]


@pytest.mark.parametrize(("steps", "expected"), RULES, ids=["-".join(steps) for steps, _ in RULES])
async def test_the_status_follows_from_the_steps(yard: Yard, steps: list[str], expected: str) -> None:
    run = await yard.begin(await yard.make_process("a", "b"))
    for name, status in zip("ab", steps, strict=True):
        if status != "pending":
            run = await yard.report(run, name, status=status)

    assert expected == run["status"]
    assert (expected in {"completed", "failed", "cancelled"}) == (run["finished_at"] is not None)


@pytest.mark.parametrize(
    ("optional", "expected"),
    [("pending", "completed"), ("failed", "completed"), ("running", "running"), ("success", "completed")],
)
async def test_an_optional_step_holds_nothing_up(yard: Yard, optional: str, expected: str) -> None:
    run = await yard.begin(await yard.make_process("a", {"name": "b", "is_optional": True}))
    if optional != "pending":
        await yard.report(run, "b", status=optional)

    assert expected == (await yard.report(run, "a", status="success"))["status"]


async def test_a_run_takes_its_times_from_its_steps(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a", "b"))

    run = await yard.report(run, "a", status="success", started_at=BEGAN, finished_at="2026-11-21T08:00:01Z")
    assert (BEGAN, None, None) == (run["started_at"], run["finished_at"], run["duration_seconds"])
    run = await yard.report(
        run, "b", status="failed", started_at="2026-11-21T09:00:02+01:00", finished_at=ENDED, failure={"error_code": 7}
    )

    assert (BEGAN, ENDED, 10.0) == (run["started_at"], run["finished_at"], run["duration_seconds"])
    assert {"error_code": 7} == step_run(run, "b")["failure"]


async def test_missing_times_are_filled_in_and_stay(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a", "b"))

    running = step_run(await yard.report(run, "a", status="running"), "a")
    assert (True, None) == (running["started_at"] is not None, running["finished_at"])
    done = step_run(await yard.report(run, "a", status="success"), "a")
    assert running["started_at"] == done["started_at"] <= done["finished_at"]
    again = step_run(await yard.report(run, "a", status="success", meta={"late": True}), "a")
    assert (done["finished_at"], {"late": True}) == (again["finished_at"], again["meta"])
    at_once = step_run(await yard.report(run, "b", status="failed"), "b")
    assert at_once["started_at"] == at_once["finished_at"]


async def test_what_goes_back_to_waiting_has_not_begun(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a"))
    await yard.report(run, "a", status="running")

    run = await yard.report(run, "a", status="pending")

    assert ("pending", None, None) == (run["status"], run["started_at"], step_run(run, "a")["started_at"])


@pytest.mark.parametrize(
    ("report", "pointers"),
    [
        ({"status": "done"}, ["/status"]),
        ({"status": None}, ["/status"]),
        ({"status": "success", "started_at": ENDED, "finished_at": BEGAN}, [None]),
        ({"status": "running", "finished_at": ENDED}, ["/finished_at"]),
        ({"status": "success", "failure": {"error_code": 1}}, ["/failure"]),
        ({"failure": {"error_code": 1}}, ["/failure"]),
        ({"status": "success", "finished_at": "yesterday"}, ["/finished_at"]),
        ({"status": "success", "rerun_count": 0}, ["/rerun_count"]),
        ({"meta": {"x": "\x00"}}, ["/meta"]),
        ({"status": "success", "finished_at": "2020-01-01T00:00:00Z"}, ["/finished_at"]),
    ],
)
async def test_wrong_reports_are_refused_and_named(
    yard: Yard, report: dict[str, Any], pointers: list[str | None]
) -> None:
    run = await yard.begin(await yard.make_process("a"))
    await yard.report(run, "a", status="running", started_at=BEGAN)

    assert pointers == [pointer or None for pointer in faults(await yard.try_report(run, "a", **report))]


async def test_who_reports_and_who_may_not(yard: Yard) -> None:
    process = await yard.make_process("a", "b")
    run = await yard.begin(process)
    path = f"/step-runs/{run['steps'][0]['id']}"
    key, headers = await make_key(yard.app, yard.stranger.user, scopes=["step-runs:write", "runs:read"])

    assert 401 == (await yard.client.patch(f"/api/v1{path}", json={"status": "success"})).status_code
    assert 403 == (await yard.call("PATCH", path, {"status": "success"}, by=yard.viewer)).status_code
    assert 404 == (await yard.call("PATCH", f"/step-runs/{uuid4()}", {"status": "success"})).status_code
    reported = await yard.client.patch(f"/api/v1{path}", json={"status": "success"}, headers=headers)
    assert (200, str(key.id)) == (reported.status_code, reported.json()["reported_by"])
    assert 403 == (await yard.client.post("/api/v1/runs", json={}, headers=headers)).status_code
    viewer_key = (await make_key(yard.app, yard.admin.user, Role.VIEWER, scopes=["runs:read"]))[1]
    assert 403 == (await yard.client.get("/api/v1/runs", headers=viewer_key)).status_code


async def test_the_way_of_the_robots_that_are_there(yard: Yard) -> None:
    """By the process's name and a field of the metadata to the newest run, by the step to its step run, and a report."""
    made = await yard.make_process("a", "b", run_metadata_schema={"case": {"type": "string", "personal": True}})
    for _ in range(2):
        newest = await yard.begin(made, meta={"case": "0101: 7, x"})
    scopes = ["processes:read", "runs:read", "step-runs:read", "step-runs:write"]
    headers = (await make_key(yard.app, yard.stranger.user, scopes=scopes))[1]

    async def list_(path: str, **params: Any) -> list[dict[str, Any]]:
        answer = await yard.client.get(f"/api/v1{path}", params=params, headers=headers)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    [process] = [one for one in await list_("/processes", page=1, size=100) if one["name"] == made["name"]]
    run = (await list_("/runs", process_id=process["id"], meta_filter="case:0101: 7, x"))[0]
    [found] = await list_(f"/runs/{run['id']}/step-runs", step_id=process["steps"][1]["id"])
    failure = {"error_code": "E1", "message": "no", "details": {"page": 3}}
    report = {"status": "failed", "started_at": ENDED, "finished_at": ENDED, "failure": failure}
    answer = await yard.client.patch(f"/api/v1/step-runs/{found['id']}", json=report, headers=headers)

    assert (200, report) == (answer.status_code, {name: answer.json()[name] for name in report})
    assert {"run": "failed", "a": "pending", "b": "failed"} == statuses(await yard.read(newest))


async def test_a_stale_report_is_refused(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a"))
    path = f"/step-runs/{run['steps'][0]['id']}"
    tag = (await yard.call("GET", path)).headers["etag"]
    await yard.ask("PATCH", path, {"status": "running"})

    stale = await yard.call("PATCH", path, {"status": "success"}, headers={"If-Match": tag})

    assert 412 == stale.status_code


async def test_two_robots_that_finish_different_steps_at_once(yard: Yard) -> None:
    """The old system left such a run running for ever; bench/tracking.py does this a thousand times."""
    process = await yard.make_process("a", "b")
    for _ in range(15):
        run = await yard.begin(process)
        await asyncio.gather(yard.report(run, "a", status="success"), yard.report(run, "b", status="success"))
        assert "completed" == (await yard.read(run))["status"]


async def test_step_runs_are_listed_and_narrowed(yard: Yard) -> None:
    process = await yard.make_process("a", "b", "c")
    run = await yard.begin(process)
    await yard.report(run, "b", status="failed")
    path = f"/runs/{run['id']}/step-runs"

    async def names(**params: Any) -> list[str]:
        return [one["name"] for one in (await yard.ask("GET", path, params=params))["items"]]

    assert ["a", "b", "c"] == await names()
    assert ["b"] == await names(status="failed")
    assert ["c"] == await names(step_id=process["steps"][2]["id"])
    assert [] == await names(is_current=False)


async def test_a_report_by_names_makes_the_run_it_needs(yard: Yard) -> None:
    process = await yard.make_process("a", "b")
    body = {"process": process["name"], "step": "a", "entity_id": new_id().hex, "run_meta": {"x": 1}}

    first = await yard.ask("POST", "/runs/report", body | {"status": "success"}, by=yard.stranger)
    second = await yard.ask(
        "POST", "/runs/report", body | {"process": process["id"], "step": process["steps"][1]["id"], "status": "failed"}
    )

    assert (True, False) == (first["created"], second["created"])
    assert first["run"] == IsPartialDict(status="running", meta={"x": 1}, entity_id=body["entity_id"])
    assert first["run"]["id"] == second["run"]["id"]
    assert ("failed", "failed") == (second["run"]["status"], second["step_run"]["status"])


async def test_a_report_goes_to_the_newest_run_or_that_of_the_key(yard: Yard) -> None:
    process = await yard.make_process("a")
    entity = new_id().hex
    runs = [await yard.begin(process, entity_id=entity, key=key) for key in ("one", "two", None)]
    body = {"process": process["name"], "step": "a", "entity_id": entity, "status": "running"}

    newest = await yard.ask("POST", "/runs/report", body)
    keyed = await yard.ask("POST", "/runs/report", body | {"key": "one"})
    new = await yard.ask("POST", "/runs/report", body | {"key": "three"})

    assert [runs[2]["id"], runs[0]["id"]] == [newest["run"]["id"], keyed["run"]["id"]]
    assert (True, "three") == (new["created"], new["run"]["key"])


@pytest.mark.parametrize("key", [None, "same"])
async def test_robots_that_report_at_once_share_one_run(yard: Yard, key: str | None) -> None:
    process = await yard.make_process(*"abcd")
    body = {"process": process["name"], "entity_id": new_id().hex, "status": "success"} | ({"key": key} if key else {})

    answers = await asyncio.gather(*(yard.ask("POST", "/runs/report", body | {"step": step}) for step in "abcd"))

    assert 1 == len({answer["run"]["id"] for answer in answers})
    assert "completed" == (await yard.read(answers[0]["run"]))["status"]


async def test_a_report_by_names_that_nothing_has(yard: Yard) -> None:
    process = await yard.make_process("a")
    body = {"process": process["name"], "step": "a", "entity_id": "x", "status": "success"}

    for wrong in ({"process": "nothing"}, {"process": str(uuid4())}, {"step": "z"}):
        assert 404 == (await yard.call("POST", "/runs/report", body | wrong)).status_code
    assert 401 == (await yard.client.post("/api/v1/runs/report", json=body)).status_code
    assert 403 == (await yard.call("POST", "/runs/report", body, by=yard.viewer)).status_code
    listed = await yard.ask("GET", "/runs", params={"process_id": process["id"]})
    assert [] == listed["items"], "a refused report leaves no run behind"
