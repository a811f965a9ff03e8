"""Files that one step makes and another takes: which one it is, what to fall back on, and what could never work."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from stationmaster.db.session import read_only
from stationmaster.domains.executions.script_use import find_runner, find_use
from stationmaster.domains.executions.states import State
from tests.support.objects import keep_artifact
from tests.support.tracking import HOOK, Yard, faults, statuses, step_run

FILE = {"properties": {"file": {"type": "string", "format": "file"}, "note": {"type": "string"}}, "required": ["file"]}


def step(name: str, **fields: Any) -> dict[str, Any]:
    """Describe a step that is carried out by us."""
    return {"name": name, "target": HOOK} | fields


def file_of(name: str, artifact: str) -> dict[str, str]:
    """Name a file of a step before."""
    return {"step": name, "artifact": artifact}


async def make(yard: Yard, run: dict[str, Any], name: str, artifact: str) -> dict[str, str]:
    """Let the execution of a step keep a file; return what a script is given for it."""
    execution_id = step_run(await yard.read(run), name)["execution_id"]
    await keep_artifact(yard.database, UUID(execution_id), artifact)
    return {"execution_id": execution_id, "artifact": artifact}


async def params_of(yard: Yard, run: dict[str, Any], name: str) -> Any:
    return step_run(await yard.read(run), name)["params"]


@pytest.fixture(scope="module")
async def script(yard: Yard) -> str:
    body = {"name": "Take", "source": "print()", "parameters": FILE}
    return str((await yard.ask("POST", "/scripts", body))["slug"])


async def test_a_script_takes_the_file_of_the_step_before(yard: Yard, script: str) -> None:
    target = {"type": "script", "script": script}
    run = await yard.begin(
        await yard.make_process(
            step("get all"), step("use", target=target, inputs={"file": file_of("get all", "a.csv")})
        )
    )
    reference = await make(yard, run, "get all", "a.csv")

    await yard.end(run, "get all")

    given = (await yard.target_of(run, "use"))["params"]
    async with read_only(yard.database) as session:
        _, found = await find_use(session, script, given, await find_runner(session, yard.owner.id))
    assert {"file": reference} == given
    assert {"/file": "a.csv"} == {place: artifact.name for place, artifact in found.items()}


@pytest.mark.parametrize("has_categories", [True, False])
async def test_what_a_skipped_step_would_have_made_is_replaced(yard: Yard, has_categories: bool) -> None:
    sources = [file_of("categorize", "full.csv"), file_of("filter", "plain.csv")]
    process = await yard.make_process(
        step("filter"), step("categorize", run_if="params.all = true"), step("upload", inputs={"file": sources})
    )
    run = await yard.begin(process, params={"all": has_categories})
    expected = await make(yard, run, "filter", "plain.csv")
    await yard.end(run, "filter")
    if has_categories:
        expected = await make(yard, run, "categorize", "full.csv")
        await yard.end(run, "categorize")

    assert {"file": expected} == await params_of(yard, run, "upload")


async def test_half_a_file_of_a_failed_step_is_not_taken(yard: Yard) -> None:
    upload = step("upload", inputs={"file": [file_of("get", "a.csv"), "params.file"]})
    run = await yard.begin(await yard.make_process(step("get", is_optional=True), upload), params={"file": "kept"})
    await make(yard, run, "get", "a.csv")

    await yard.end(run, "get", State.FAILED)

    assert {"file": "kept"} == await params_of(yard, run, "upload")


@pytest.mark.parametrize("fan_out", [None, {"over": {"part": [1, 2]}}])
async def test_a_file_that_is_not_there_fails_the_step(yard: Yard, fan_out: Any) -> None:
    upload = step("upload", inputs={"file": file_of("get", "a.csv")}, fan_out=fan_out)
    run = await yard.begin(await yard.make_process(step("get"), upload, step("tidy")))
    await make(yard, run, "get", "b.csv")

    run = await yard.end(run, "get")

    assert {"run": "failed", "get": "success", "upload": "failed", "tidy": "skipped"} == statuses(run)
    failure = step_run(run, "upload")["failure"]
    assert "no_input" == failure["error_code"]
    assert "file takes a.csv of get, which is not there" in failure["message"]


async def test_a_step_without_its_file_waits_for_it_when_done_again(yard: Yard) -> None:
    upload = step("upload", inputs={"file": file_of("get", "a.csv")}, run_if="always")
    run = await yard.begin(await yard.make_process(step("get"), upload))
    assert "failed" == statuses(await yard.end(run, "get", State.FAILED))["upload"]

    again = await yard.ask("POST", f"/runs/{run['id']}/rerun")

    assert {"get": "running", "upload": "pending"} == {name: statuses(again)[name] for name in ("get", "upload")}
    expected = await make(yard, run, "get", "a.csv")
    await yard.end(run, "get")
    assert {"file": expected} == await params_of(yard, run, "upload")


async def test_each_item_of_a_list_gets_the_file(yard: Yard) -> None:
    upload = step("upload", inputs={"file": file_of("get", "a.csv")}, fan_out={"over": {"part": [1, 2]}})
    run = await yard.begin(await yard.make_process(step("get"), upload))
    expected = await make(yard, run, "get", "a.csv")

    await yard.end(run, "get")

    found = (await yard.ask("GET", f"/runs/{run['id']}/step-runs"))["items"]
    items = [one["params"] for one in found if one["item_index"] is not None]
    assert [{"file": expected, "part": 1}, {"file": expected, "part": 2}] == items


@pytest.mark.parametrize(
    ("before", "source", "pointer"),
    [
        ({"name": "get"}, file_of("get", "a.csv"), "/inputs/file"),
        (step("get", fan_out={"over": {"x": [1]}}), file_of("get", "a.csv"), "/inputs/file"),
        (step("get"), [file_of("get", "a.csv"), file_of("absent", "a.csv")], "/inputs/file"),
        (step("get"), file_of("upload", "a.csv"), "/inputs/file"),
        (step("get"), file_of("get", ""), "/steps/1/inputs/file/artifact"),
        (step("get"), [{"step": "get"}], "/steps/1/inputs/file/0/artifact"),
        (step("get"), file_of("get", "a.csv") | {"more": 1}, "/steps/1/inputs/file/more"),
    ],
)
async def test_what_could_never_be_there_is_refused(yard: Yard, before: Any, source: Any, pointer: str) -> None:
    body = {"name": f"p-{uuid4()}", "steps": [before, step("upload", inputs={"file": source})]}

    assert pointer in faults(await yard.call("POST", "/processes", body))


@pytest.mark.parametrize("name", ["note", "absent"])
async def test_a_parameter_that_takes_no_file(yard: Yard, script: str, name: str) -> None:
    target = {"type": "script", "script": script, "params": {"file": str(uuid4())}}
    use = step("use", target=target, inputs={"file": "params.file", name: file_of("get", "a.csv")})

    answer = await yard.call("POST", "/processes", {"name": f"p-{uuid4()}", "steps": [step("get"), use]})

    assert [f"/steps/1/inputs/{name}"] == faults(answer)


async def test_a_workflow_of_github_takes_no_file(yard: Yard) -> None:
    target = {"type": "github", "owner": "o", "repo": "r", "workflow": "w.yml", "ref": "main", "credential": "token"}
    use = step("use", target=target, inputs={"file": file_of("get", "a.csv")})

    answer = await yard.call("POST", "/processes", {"name": f"p-{uuid4()}", "steps": [step("get"), use]})

    assert ["/inputs/file"] == faults(answer)
