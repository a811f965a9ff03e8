"""Steps that are carried out by us: when their turn comes, what they are given, and what their end means."""

from typing import Any

import pytest
from dirty_equals import IsPartialDict

from stationmaster.domains.executions.states import Reason, State
from tests.support.tracking import HOOK, Yard, statuses, step_run


def step(name: str, **fields: Any) -> dict[str, Any]:
    """Describe a step that is carried out by us."""
    return {"name": name, "target": HOOK} | fields


def answer(**members: Any) -> dict[str, Any]:
    """Return the result of a webhook that answered with a JSON object."""
    text = "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}"
    return {"result": {"body": text, "truncated": False}, "response_status": 200}


async def test_steps_are_done_one_after_the_other(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process(step("a"), step("b")))

    assert {"run": "running", "a": "running", "b": "pending"} == statuses(run)
    assert (await yard.target_of(run, "a"))["body"] == {
        "run_id": run["id"],
        "step_run_id": step_run(run, "a")["id"],
        "process_id": run["process_id"],
        "step": "a",
    }
    assert {"run": "running", "a": "success", "b": "running"} == statuses(await yard.end(run, "a"))
    done = await yard.end(run, "b")
    assert ("completed", True) == (done["status"], done["finished_at"] is not None)


async def test_an_end_is_followed_once(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process(step("a"), step("b")))
    first = await yard.end(run, "a")

    await yard.follow()

    assert first == await yard.read(run)


async def test_a_failure_leaves_the_others_out(yard: Yard) -> None:
    process = await yard.make_process(
        step("a"), step("b"), step("mend", depends_on=["b"], run_if="failure"), step("tidy", run_if="always")
    )
    run = await yard.begin(process)

    failed = await yard.end(run, "a", State.FAILED, reason=Reason.SERVER_ERROR, error="boom", response_status=500)

    assert {"run": "failed", "a": "failed", "b": "skipped", "mend": "running", "tidy": "pending"} == statuses(failed)
    assert "dependency" == step_run(failed, "b")["reason"]
    assert {"error_code": "server_error", "message": "boom", "response_status": 500} == step_run(failed, "a")["failure"]
    await yard.end(run, "mend")
    last = await yard.end(run, "tidy")
    assert ("failed", "success") == (last["status"], step_run(last, "tidy")["status"])


async def test_a_failure_of_an_optional_step_stops_nobody(yard: Yard) -> None:
    process = await yard.make_process(step("a", is_optional=True), step("mend", run_if="failure"), step("b"))
    run = await yard.begin(process)

    run = await yard.end(run, "a", State.TIMED_OUT)

    assert {"run": "running", "a": "failed", "mend": "skipped", "b": "running"} == statuses(run)
    assert "completed" == (await yard.end(run, "b"))["status"]


async def test_steps_that_wait_for_nothing_are_done_at_once(yard: Yard) -> None:
    process = await yard.make_process(
        step("a", depends_on=[]), step("b", depends_on=[]), step("c", depends_on=["a", "b"])
    )
    run = await yard.begin(process)

    assert {"run": "running", "a": "running", "b": "running", "c": "pending"} == statuses(run)
    assert "pending" == statuses(await yard.end(run, "a"))["c"]
    assert "running" == statuses(await yard.end(run, "b"))["c"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("count.rows > 9", "running"),
        ("count.rows > 10", "skipped"),
        ("count.rows >= 10, count = success", "running"),
        ("(count.rows < 5 OR params.force = true)", "running"),
        ("count.name like NOR%", "running"),
        ("count.name = south", "skipped"),
        ("count.missing = null", "running"),
        ("count.open != true", "skipped"),
        ("meta.region = north, run.entity_id = e-1", "running"),
        ("params.level = 3", "running"),
        ('params.level = "3"', "skipped"),
    ],
)
async def test_a_condition_decides(yard: Yard, condition: str, expected: str) -> None:
    process = await yard.make_process(step("count"), step("b", run_if=condition))
    run = await yard.begin(process, entity_id="e-1", meta={"region": "north"}, params={"force": True, "level": 3})

    run = await yard.end(run, "count", **answer(rows=10, name='"north"', open="true"))

    assert {"b": expected} == {"b": statuses(run)["b"]}
    assert (None if expected == "running" else "condition") == step_run(run, "b")["reason"]


async def test_results_are_handed_over_with_something_to_fall_back_on(yard: Yard) -> None:
    """The product pipeline: `metafields` takes what `categorize` made, or else what `filter` did."""
    process = await yard.make_process(
        step("filter"),
        step("categorize", run_if="params.categorize = true"),
        step("metafields", inputs={"file": ["categorize.file", "filter.file"], "who": "run.entity_id", "no": "meta.x"}),
    )
    plain = await yard.begin(process)
    plain = await yard.end(plain, "filter", **answer(file='"filtered.csv"'))
    full = await yard.begin(process, params={"categorize": True})
    await yard.end(full, "filter", **answer(file='"filtered.csv"'))
    full = await yard.end(full, "categorize", **answer(file='"categorised.csv"'))

    assert {"filter": "success", "categorize": "skipped", "metafields": "running"} == {
        name: status for name, status in statuses(plain).items() if name != "run"
    }
    assert {"file": "filtered.csv", "who": plain["entity_id"]} == step_run(plain, "metafields")["params"]
    assert {"file": "categorised.csv", "who": full["entity_id"]} == step_run(full, "metafields")["params"]
    assert (await yard.target_of(full, "metafields"))["body"] == IsPartialDict(
        file="categorised.csv", step="metafields"
    )


async def test_steps_from_outside_mix_with_ours(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("robot", step("ours"), "human"))

    assert {"run": "pending", "robot": "pending", "ours": "pending", "human": "pending"} == statuses(run)
    run = await yard.report(run, "robot", status="success", result={"rows": 5})
    assert "running" == statuses(run)["ours"]
    assert 409 == (await yard.try_report(run, "ours", status="success")).status_code
    run = await yard.end(run, "ours")
    assert "completed" == (await yard.report(run, "human", status="success"))["status"]


async def test_a_receiver_that_only_accepts_reports_the_end(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process(step("a"), step("b")))

    run = await yard.end(run, "a", response_status=202)

    assert {"run": "running", "a": "running", "b": "pending"} == statuses(run)
    assert "running" == statuses(await yard.report(run, "a", status="success", result={"x": 1}))["b"]


async def test_a_step_is_done_for_each_item(yard: Yard) -> None:
    process = await yard.make_process(
        step("regions", fan_out={"over": {"region": "params.regions"}, "parallel": 2, "max_failed": 1}), step("stats")
    )
    run = await yard.begin(process, params={"regions": ["n", "s", "e", "w"]})

    async def children() -> list[tuple[Any, str]]:
        listed = await yard.ask("GET", f"/runs/{run['id']}/step-runs", params={"is_current": True})
        return [(one["item"]["region"], one["status"]) for one in listed["items"] if one["item"]]

    assert [("n", "running"), ("s", "running"), ("e", "pending"), ("w", "pending")] == await children()
    assert ["regions", "stats"] == [one["name"] for one in run["steps"]]
    await yard.end(run, "regions", item=1, **answer(saved=1))
    assert ["running", "success", "running", "pending"] == [status for _, status in await children()]
    await yard.end(run, "regions", State.FAILED, item=0)
    await yard.end(run, "regions", item=2, **answer(saved=2))
    run = await yard.end(run, "regions", item=3, **answer(saved=3))

    parent = step_run(run, "regions")
    assert parent == IsPartialDict(status="success", is_partial=True)
    assert parent["result"] == IsPartialDict(
        succeeded=3, failed=1, skipped=0, results=[{"saved": 1}, {"saved": 2}, {"saved": 3}]
    )
    assert {"run": "running", "regions": "success", "stats": "running"} == statuses(run)
    assert (True, "completed") == ((done := await yard.end(run, "stats"))["is_partial"], done["status"])


async def test_too_many_failures_leave_the_other_items_out(yard: Yard) -> None:
    process = await yard.make_process(
        step("years", fan_out={"over": {"year": [2024, 2025], "region": ["n", "s"]}, "parallel": 1}), step("swap")
    )
    run = await yard.begin(process)

    run = await yard.end(run, "years", State.FAILED, item=0)

    assert {"run": "failed", "years": "failed", "swap": "skipped"} == statuses(run)
    assert step_run(run, "years")["failure"] == IsPartialDict(error_code="items_failed")
    listed = await yard.ask("GET", f"/runs/{run['id']}/step-runs", params={"status": "skipped"})
    assert [({"year": 2024, "region": "s"}, "enough_failed"), ({"year": 2025, "region": "n"}, "enough_failed")] == [
        (one["item"], one["reason"]) for one in listed["items"] if one["item"]
    ][:2]


@pytest.mark.parametrize(("params", "expected"), [({"list": []}, "success"), ({"list": "x"}, "failed"), ({}, "failed")])
async def test_no_items_and_no_list(yard: Yard, params: dict[str, Any], expected: str) -> None:
    process = await yard.make_process(step("a", fan_out={"over": {"x": "params.list"}}), step("b"))

    run = await yard.begin(process, params=params)

    assert expected == statuses(run)["a"]


async def test_cancelling_stops_the_work_and_uncancelling_goes_on(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a", step("b")))
    await yard.ask("POST", f"/runs/{run['id']}/cancel")
    assert 409 == (await yard.try_report(run, "a", status="success")).status_code
    await yard.ask("POST", f"/runs/{run['id']}/uncancel")
    run = await yard.report(run, "a", status="success")
    execution_id = step_run(run, "b")["execution_id"]

    await yard.ask("POST", f"/runs/{run['id']}/cancel")
    await yard.follow()

    execution = await yard.ask("GET", f"/executions/{execution_id}")
    assert "cancelled" == execution["state"]
    assert {"run": "cancelled", "a": "success", "b": "cancelled"} == statuses(await yard.read(run))


async def test_deleting_stops_the_work(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process(step("a"), step("b")))
    execution_id = step_run(run, "a")["execution_id"]

    await yard.ask("DELETE", f"/runs/{run['id']}")
    await yard.follow()

    assert "cancelled" == (await yard.ask("GET", f"/executions/{execution_id}"))["state"]
    restored = await yard.ask("POST", f"/runs/{run['id']}/restore")
    assert {"run": "cancelled", "a": "cancelled", "b": "skipped"} == statuses(restored)


async def test_the_executions_of_steps_belong_to_the_owner_of_the_process(yard: Yard) -> None:
    process = await yard.make_process(step("a", timeout_seconds=7, overlap={"policy": "queue", "key": "shop"}))
    run = await yard.begin(process)
    assert run["steps"][0]["execution_id"]
    first = await yard.ask("GET", f"/executions/{run['steps'][0]['execution_id']}")
    second = await yard.ask("GET", f"/executions/{(await yard.begin(process))['steps'][0]['execution_id']}")

    assert first == IsPartialDict(trigger="step", owner_id=str(yard.owner.id), state="queued")
    assert second["reason"] in {"overlap", None}


async def test_a_target_that_takes_no_params_fails_its_step(yard: Yard) -> None:
    target = HOOK | {"body": "plain text"}
    run = await yard.begin(
        await yard.make_process({"name": "a", "target": target, "inputs": {"x": "params.x"}}), params={"x": 1}
    )

    assert ("failed", "target") == (run["status"], step_run(run, "a")["failure"]["error_code"])
