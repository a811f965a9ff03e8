"""Doing steps again: by hand, by itself, from where a run failed, and within limits."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.db.session import read_only
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import Reason, State
from tests.support.tracking import HOOK, Yard, faults, statuses, step_run

OTHER = "http://127.0.0.1:9/again"


async def begin_failed(yard: Yard, *, step: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Begin a run whose first step of three, done by us, has failed."""
    first = {"name": "a", "target": HOOK, "inputs": {"x": "params.x"}} | (step or {})
    process = await yard.make_process(first, {"name": "b", "target": HOOK}, {"name": "c"}, **fields)
    run = await yard.begin(process, params={"x": 1})
    return await yard.end(run, "a", State.FAILED, reason=Reason.SERVER_ERROR)


async def rerun(yard: Yard, run: dict[str, Any], name: str, **options: Any) -> Any:
    return await yard.call("POST", f"/step-runs/{step_run(run, name)['id']}/rerun", **options)


async def test_a_rerun_is_a_new_step_run_with_the_same_parameters(yard: Yard) -> None:
    run = await begin_failed(yard)
    failed = step_run(run, "a")

    answer = await rerun(yard, run, "a")

    again = answer.json()
    assert (202, f"/api/v1/step-runs/{again['id']}") == (answer.status_code, answer.headers["location"])
    assert again == IsPartialDict(
        original_step_run_id=failed["id"], rerun_number=1, status="running", params={"x": 1}, is_current=True
    )
    run = await yard.read(run)
    assert {"run": "running", "a": "running", "b": "pending", "c": "pending"} == statuses(run)
    assert run["started_at"] == failed["started_at"]
    assert "rerun" == (await yard.ask("GET", f"/executions/{again['execution_id']}"))["trigger"]
    history = (await yard.ask("GET", f"/runs/{run['id']}/step-runs", params={"step_id": failed["step_id"]}))["items"]
    assert [("failed", False), ("running", True)] == [(one["status"], one["is_current"]) for one in history]
    assert failed["failure"] == history[0]["failure"]
    run = await yard.end(run, "a")
    assert {"run": "running", "a": "success", "b": "running", "c": "pending"} == statuses(run)


async def test_what_is_not_rerunnable(yard: Yard) -> None:
    run = await begin_failed(yard)

    assert 401 == (await yard.client.post(f"/api/v1/step-runs/{run['steps'][0]['id']}/rerun")).status_code
    assert 403 == (await rerun(yard, run, "a", by=yard.viewer)).status_code
    assert 404 == (await yard.call("POST", f"/step-runs/{uuid4()}/rerun")).status_code
    assert 409 == (await rerun(yard, run, "b")).status_code
    first = await rerun(yard, run, "a")
    assert (202, 409) == (first.status_code, (await rerun(yard, run, "a")).status_code), "it is not current any more"
    plain = await yard.begin(await yard.make_process("a"))
    plain = await yard.report(plain, "a", status="failed")
    assert 409 == (await rerun(yard, plain, "a")).status_code


async def test_of_two_that_rerun_at_once_one_does(yard: Yard) -> None:
    run = await begin_failed(yard)

    answers = await asyncio.gather(*(rerun(yard, run, "a") for _ in range(4)))

    assert [202, 409, 409, 409] == sorted(answer.status_code for answer in answers)


@pytest.mark.parametrize(("config", "most"), [({"max_retries": 1}, 1), ({}, 3)])
async def test_the_limit_holds(yard: Yard, config: dict[str, Any], most: int) -> None:
    run = await begin_failed(yard, step={"rerun_config": config})
    for _ in range(most):
        assert 202 == (await rerun(yard, run, "a")).status_code
        run = await yard.end(run, "a", State.FAILED)

    assert 409 == (await rerun(yard, run, "a")).status_code


async def test_an_outside_step_is_asked_for_again(yard: Yard) -> None:
    config = {"api_endpoint": OTHER, "timeout_seconds": 9}
    process = await yard.make_process({"name": "a", "is_rerunnable": True, "rerun_config": config})
    run = await yard.report(await yard.begin(process), "a", status="failed")

    await rerun(yard, run, "a")

    target = await yard.target_of(run, "a")
    assert (OTHER, "a", 9) == (target["url"], target["body"]["step"], await yard.timeout_of(run, "a"))
    assert "running" == (await yard.read(run))["status"]
    run = await yard.end(run, "a", response_status=202)
    assert "running" == run["status"]
    assert "completed" == (await yard.report(run, "a", status="success"))["status"]


async def test_an_outside_step_without_a_target_waits_to_be_reported(yard: Yard) -> None:
    process = await yard.make_process({"name": "a", "is_rerunnable": True})
    run = await yard.report(await yard.begin(process), "a", status="failed")

    again = (await rerun(yard, run, "a")).json()

    assert ("pending", None) == (again["status"], again["execution_id"])
    assert "running" == (await yard.read(run))["status"]
    assert "completed" == (await yard.report(run, "a", status="success"))["status"]


@pytest.mark.parametrize(
    ("config", "reason", "is_again"),
    [
        ({"retry_delays": [60, 600]}, Reason.SERVER_ERROR, True),
        ({"failure_conditions": ["timeout", "server_error"]}, Reason.SERVER_ERROR, True),
        ({"failure_conditions": ["timeout"], "retry_delays": [60]}, Reason.SERVER_ERROR, False),
        ({"max_retries": 2}, Reason.SERVER_ERROR, False),
        ({"retry_delays": [60], "max_retries": 0}, Reason.SERVER_ERROR, False),
    ],
)
async def test_some_failures_are_done_again_by_themselves(
    yard: Yard, config: dict[str, Any], reason: Reason, is_again: bool
) -> None:
    run = await begin_failed(yard, step={"rerun_config": config})

    again = step_run(run, "a")
    assert is_again == (again["status"] == "running") == (run["status"] == "running")
    if is_again:
        async with read_only(yard.database) as session:
            execution = await session.get_one(Execution, UUID(again["execution_id"]))
        waits = (execution.available_at - execution.queued_at).total_seconds()
        assert config.get("retry_delays", [0])[0] == pytest.approx(waits, abs=1)
        assert {"b": "pending"} == {"b": statuses(run)["b"]}


async def test_an_outside_failure_is_done_again_by_itself(yard: Yard) -> None:
    config = {"api_endpoint": OTHER, "failure_conditions": ["E42"], "max_retries": 1}
    run = await yard.begin(await yard.make_process({"name": "a", "rerun_config": config}))

    run = await yard.report(run, "a", status="failed", failure={"error_code": "E42", "message": "x"})
    assert step_run(run, "a") == IsPartialDict(status="running", rerun_number=1)
    await yard.end(run, "a", response_status=202)
    run = await yard.report(run, "a", status="failed", failure={"error_code": "E42"})
    assert {"run": "failed", "a": "failed"} == statuses(run)


async def test_a_run_goes_on_from_where_it_failed(yard: Yard) -> None:
    process = await yard.make_process(
        {"name": "list", "target": HOOK, "fan_out": {"over": {"n": [1, 2, 3]}}}, {"name": "b", "target": HOOK}
    )
    run = await yard.begin(process)
    await yard.end(run, "list", item=0)
    await yard.end(run, "list", item=2)
    run = await yard.end(run, "list", State.FAILED, item=1)
    assert {"run": "failed", "list": "failed", "b": "skipped"} == statuses(run)

    answer = await yard.call("POST", f"/runs/{run['id']}/rerun")

    assert (202, {"run": "running", "list": "running", "b": "pending"}) == (answer.status_code, statuses(answer.json()))
    listed = await yard.ask("GET", f"/runs/{run['id']}/step-runs", params={"is_current": True})
    items = sorted((one["item_index"], one["status"]) for one in listed["items"] if one["parent_id"])
    assert [(0, "success"), (1, "running"), (2, "success")] == items
    run = await yard.end(run, "list", item=1)
    assert {"run": "running", "list": "success", "b": "running"} == statuses(run)


async def test_a_run_that_did_not_fail_does_not_go_on(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a"))
    path = f"/runs/{run['id']}/rerun"

    assert 401 == (await yard.client.post(f"/api/v1{path}")).status_code
    assert 403 == (await yard.call("POST", path, by=yard.viewer)).status_code
    assert 404 == (await yard.call("POST", f"/runs/{uuid4()}/rerun")).status_code
    assert 409 == (await yard.call("POST", path)).status_code


async def test_approval(yard: Yard) -> None:
    approval = {"approvers": [str(yard.stranger.id)]}
    process = await yard.make_process(
        {"name": "plan", "target": HOOK}, {"name": "ok", "approval": approval}, {"name": "do", "target": HOOK}
    )
    run = await yard.end(await yard.begin(process), "plan")
    path = f"/step-runs/{step_run(run, 'ok')['id']}"

    assert {"run": "running", "plan": "success", "ok": "running", "do": "pending"} == statuses(run)
    assert 401 == (await yard.client.post(f"/api/v1{path}/approve")).status_code
    assert 403 == (await yard.call("POST", f"{path}/approve", by=yard.viewer)).status_code
    assert 404 == (await yard.call("POST", f"/step-runs/{uuid4()}/reject", by=yard.admin)).status_code
    assert 409 == (await yard.call("PATCH", path, {"status": "success"})).status_code
    approved = await yard.ask("POST", f"{path}/approve", {"comment": "fine"}, by=yard.stranger)
    assert approved["result"] == {"approved": True, "by": str(yard.stranger.id), "comment": "fine"}
    assert "running" == statuses(await yard.read(run))["do"]
    assert 409 == (await yard.call("POST", f"{path}/reject")).status_code


async def test_rejection(yard: Yard) -> None:
    process = await yard.make_process({"name": "ok", "approval": {}}, {"name": "do", "target": HOOK})
    run = await yard.begin(process)
    path = f"/step-runs/{step_run(run, 'ok')['id']}"

    assert 403 == (await yard.call("POST", f"{path}/reject", by=yard.stranger)).status_code
    rejected = await yard.ask("POST", f"{path}/reject", {"comment": "no"})

    assert rejected["failure"] == IsPartialDict(error_code="rejected", message="no")
    assert {"run": "failed", "ok": "failed", "do": "skipped"} == statuses(await yard.read(run))


@pytest.mark.parametrize(("default", "expected"), [("approve", "success"), ("reject", "failed")])
async def test_time_is_up(yard: Yard, default: str, expected: str) -> None:
    approval = {"timeout_seconds": 0.001, "default": default}
    run = await yard.begin(await yard.make_process({"name": "ok", "approval": approval}))
    await asyncio.sleep(0.01)

    await yard.decide_overdue()

    assert {"ok": expected} == {"ok": statuses(await yard.read(run))["ok"]}


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        ({"target": HOOK, "approval": {}}, "/steps/0"),
        ({"inputs": {"x": "params.x"}}, "/steps/0"),
        ({"target": {"type": "nothing"}}, "/steps/0/target/type"),
        ({"target": {"type": "webhook", "url": "http://10.0.0.1/x"}}, "/steps/0/target/url"),
        ({"target": HOOK, "inputs": {"x": "a b"}}, "/steps/0/inputs/x"),
        ({"target": HOOK, "inputs": {"x": "later.y"}}, "/inputs/x"),
        ({"target": HOOK, "run_if": "later = success"}, "/run_if"),
        ({"target": HOOK, "run_if": "run.secret = 1"}, "/run_if"),
        ({"target": HOOK, "run_if": "a >"}, "/steps/0/run_if"),
        ({"depends_on": ["nothing"]}, "/steps/0/depends_on"),
        ({"depends_on": ["a"]}, "/steps/0/depends_on"),
        ({"depends_on": ["later"]}, "/depends_on"),
        ({"rerun_config": {"api_endpoint": "http://10.0.0.1/"}}, "/steps/0/rerun_config/target/url"),
        ({"rerun_config": {"api_endpoint": OTHER, "target": HOOK}}, "/steps/0/rerun_config"),
        ({"target": HOOK, "fan_out": {"over": {}}}, "/steps/0/fan_out/over"),
        ({"approval": {"default": "wait"}}, "/steps/0/approval/default"),
    ],
)
async def test_what_could_never_work_is_refused(yard: Yard, step: dict[str, Any], pointer: str) -> None:
    body = {"name": f"p-{uuid4()}", "steps": [{"name": "a"} | step, {"name": "later"}]}

    assert pointer in faults(await yard.call("POST", "/processes", body))


async def test_secrets_of_targets_are_never_shown_and_kept(yard: Yard) -> None:
    secret = HOOK | {"secret_headers": {"authorization": "Bearer 123456"}}
    process = await yard.make_process({"name": "a", "target": secret, "rerun_config": {"target": secret}})
    step = process["steps"][0]
    assert "123456" not in str(process)

    changed = await yard.ask("PATCH", f"/steps/{step['id']}", {"target": step["target"], "timeout_seconds": 5})

    assert changed == IsPartialDict(target=step["target"], timeout_seconds=5.0, rerun_config=step["rerun_config"])
    run = await yard.begin(process)
    assert step_run(run, "a")["status"] == "running"
    versions = await yard.ask("GET", f"/processes/{process['id']}/versions")
    assert "123456" not in str(versions)
    await yard.ask("PATCH", f"/steps/{step['id']}", {"target": None})
    assert (await yard.ask("GET", f"/steps/{step['id']}"))["target"] is None


async def test_a_step_that_others_depend_on_stays(yard: Yard) -> None:
    process = await yard.make_process("a", {"name": "b", "depends_on": ["a"]}, {"name": "c", "run_if": "b = success"})
    first, second, third = (step["id"] for step in process["steps"])

    assert [["a"], None] == [step["depends_on"] for step in process["steps"][1:]]
    assert 409 == (await yard.call("DELETE", f"/steps/{first}")).status_code
    assert ["/run_if"] == faults(await yard.call("PATCH", f"/steps/{second}", {"name": "other"}))
    circle = await yard.call("PATCH", f"/steps/{second}", {"depends_on": ["c"]})
    assert ["/depends_on"] == faults(circle)
    order = await yard.call("PUT", f"/processes/{process['id']}/steps/order", {"steps": [third, first, second]})
    assert ["/run_if"] == faults(order)
