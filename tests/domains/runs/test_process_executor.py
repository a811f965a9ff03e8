"""The target `process`: a job, or a step, that begins a run."""

from typing import Any

from stationmaster.domains.executions.executor import Context
from stationmaster.domains.executions.states import State
from stationmaster.domains.executions.targets.process import ProcessTarget
from stationmaster.domains.runs.process_executor import ProcessExecutor
from stationmaster.kit.ids import new_id
from tests.support.tracking import HOOK, Yard, faults


def make_executor(yard: Yard) -> ProcessExecutor:
    return ProcessExecutor(yard.database, lambda: yard.app.state.job_rules)


def make_context() -> Context:
    facts: Any = {"desk": None, "journal": None}
    return Context(execution_id=new_id(), attempt=1, scheduled_for=None, timeout_seconds=5, **facts)


async def list_runs(yard: Yard, process: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await yard.ask("GET", "/runs", params={"process_id": process["id"]}))["items"]
    return found


async def test_a_run_is_begun_once_however_often_it_is_tried(yard: Yard) -> None:
    process = await yard.make_process({"name": "a", "target": HOOK})
    target = ProcessTarget(type="process", process=process["name"], entity_name="Ada", meta={"x": 1})
    context = make_context()

    outcomes = [await make_executor(yard).run(target, context) for _ in range(2)]

    [run] = await list_runs(yard, process)
    assert [(State.SUCCEEDED, {"run_id": run["id"]})] * 2 == [(one.state, one.result) for one in outcomes]
    assert (str(context.execution_id), "Ada", {"x": 1}) == (run["entity_id"], run["entity_name"], run["meta"])
    assert "running" == run["status"], "its first step is under way"


async def test_a_process_that_is_not_there_or_takes_no_such_run(yard: Yard) -> None:
    process = await yard.make_process("a", run_metadata_schema={"must": {"type": "string", "required": True}})

    gone = await make_executor(yard).run(ProcessTarget(type="process", process="nothing"), make_context())
    wrong = await make_executor(yard).run(ProcessTarget(type="process", process=process["id"]), make_context())

    assert [(State.FAILED, True)] * 2 == [(one.state, one.is_final) for one in (gone, wrong)]
    assert "/meta/must" in (wrong.error or "")
    assert [] == await list_runs(yard, process)


async def test_a_job_may_have_a_process_as_its_target(yard: Yard) -> None:
    target = {"type": "process", "process": "full-import", "entity_id": "shop"}

    made = await yard.call("POST", "/jobs", {"name": new_id().hex, "target": target})
    refused = await yard.call("POST", "/jobs", {"name": new_id().hex, "target": {"type": "process"}})

    assert (201, ["/target/process"]) == (made.status_code, faults(refused))
