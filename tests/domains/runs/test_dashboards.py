"""Search, searchable fields and dashboards."""

from typing import Any
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.kit.ids import new_id
from tests.support.tracking import Yard, faults

SCHEMA = {"region": "string", "citizen": {"type": "string", "personal": True}, "size": "number", "on": "boolean"}


async def test_search_says_where_the_text_was_found(yard: Yard) -> None:
    process = await yard.make_process("a", run_metadata_schema=SCHEMA)
    mark = new_id().hex
    first = await yard.begin(process, entity_id=f"x-{mark}", entity_name=f"ADA {mark.upper()}")
    second = await yard.begin(process, meta={"region": f"north {mark}", "size": 5, "loose": mark})

    async def search(text: str, **params: str) -> list[tuple[str, list[str]]]:
        found = await yard.ask("GET", "/runs/search", params={"q": text} | params)
        return [(item["id"], [match["field"] for match in item["matches"]]) for item in found["items"]]

    assert [(first["id"], ["entity_id", "entity_name"])] == await search(mark)
    everything = await search(mark, process_id=process["id"])
    assert [(second["id"], ["meta.region"]), (first["id"], ["entity_id", "entity_name"])] == everything
    assert [] == await search(mark + "%")
    assert 2 == len(await search("pend", process_id=process["id"]))


@pytest.mark.parametrize(("params", "parameter"), [({}, "q"), ({"q": ""}, "q"), ({"q": "x", "status": "y"}, "status")])
async def test_search_refuses_what_it_does_not_know(yard: Yard, params: dict[str, str], parameter: str) -> None:
    assert [parameter] == faults(await yard.call("GET", "/runs/search", params=params))


async def test_search_is_not_for_viewers(yard: Yard) -> None:
    assert 401 == (await yard.client.get("/api/v1/runs/search?q=x")).status_code
    assert 403 == (await yard.call("GET", "/runs/search?q=x", by=yard.viewer)).status_code
    assert 404 == (await yard.call("GET", f"/runs/search?q=x&process_id={uuid4()}")).status_code


async def test_no_personal_value_is_listed(yard: Yard) -> None:
    process = await yard.make_process("a", run_metadata_schema=SCHEMA)
    for meta in ({"region": "north", "citizen": "0101", "loose": "secret"}, {"region": "south", "on": True, "size": 2}):
        await yard.begin(process, meta=meta)

    shown = await yard.ask("GET", f"/processes/{process['id']}/searchable-fields", by=yard.viewer)

    assert shown == await yard.ask("GET", f"/processes/{process['id']}/filter-metadata", by=yard.viewer)
    fields = {field["name"]: field for field in shown["metadata_fields"]}
    values = {name: field["values"] for name, field in fields.items()}
    assert {"meta.region": ["north", "south"], "meta.citizen": None, "meta.size": ["2"], "meta.on": ["true"]} == values
    assert fields["meta.citizen"] == IsPartialDict(personal=True, filter_format="citizen:value", sortable=True)
    standard = {field["name"]: field for field in shown["standard_fields"]}
    assert standard["entity_id"] == IsPartialDict(personal=True, values=None, type="string")
    assert standard["created_at"] == IsPartialDict(type="datetime", operators=["=", "!=", ">", "<", ">=", "<="])
    assert "completed" in standard["status"]["values"]


async def make_history(yard: Yard) -> dict[str, Any]:
    """Make a process with twenty completed runs of 1 to 20 seconds, two failed, and one each of the others."""
    process = await yard.make_process("a", "b")
    for seconds in range(1, 21):
        times = {"started_at": "2026-11-01T00:00:00Z", "finished_at": f"2026-11-01T00:00:{seconds:02}Z"}
        run = await yard.begin(process)
        for step_run in run["steps"]:
            await yard.ask("PATCH", f"/step-runs/{step_run['id']}", {"status": "success"} | times)
    for status in ("failed", "failed", "running", "cancelled", "pending"):
        run = await yard.begin(process)
        if status != "pending":
            await yard.report(run, "a", status=status)
    deleted = await yard.begin(process)
    await yard.report(deleted, "a", status="failed")
    await yard.ask("DELETE", f"/runs/{deleted['id']}")
    return process


async def test_a_dashboard_adds_up(yard: Yard) -> None:
    process = await make_history(yard)

    shown = await yard.ask("GET", f"/dashboard/processes/{process['id']}", params={"days": 2, "size": 3})

    assert {
        "total_runs": 25,
        "completed_runs": 20,
        "failed_runs": 2,
        "running_runs": 1,
        "cancelled_runs": 1,
        "pending_runs": 1,
        "success_rate": 90.91,
        "average_completion_time": 10.5,
        "p95_completion_time": 19.0,
    } == shown["statistics"]
    assert ["a", "b"] == [step["name"] for step in shown["steps"]]
    assert shown["steps"][0] == IsPartialDict(
        success=20, failed=2, running=1, cancelled=1, pending=1, success_rate=90.91
    )
    assert shown["steps"][1] == IsPartialDict(success=20, failed=0, pending=5)
    assert [0, 25] == [day["total"] for day in shown["trend"]]
    assert shown["trend"][1] == IsPartialDict(completed=20, failed=2, average_completion_time=10.5)
    assert (25, 3, "pending") == (
        shown["runs"]["total"],
        len(shown["runs"]["items"]),
        shown["runs"]["items"][0]["status"],
    )
    assert process["id"] == shown["process"]["id"]


async def test_an_empty_dashboard(yard: Yard) -> None:
    process = await yard.make_process("a")

    shown = await yard.ask("GET", f"/dashboard/processes/{process['id']}")

    assert shown["statistics"] == IsPartialDict(total_runs=0, success_rate=None, p95_completion_time=None)
    assert (30, []) == (len(shown["trend"]), shown["runs"]["items"])


async def test_viewers_do_not_see_whom_runs_are_about(yard: Yard) -> None:
    process = await yard.make_process("a")
    await yard.begin(process, entity_name="Ada", meta={"x": 1})
    path = f"/dashboard/processes/{process['id']}"

    [hidden] = (await yard.ask("GET", path, by=yard.viewer))["runs"]["items"]
    [shown] = (await yard.ask("GET", path, by=yard.stranger))["runs"]["items"]

    assert hidden == IsPartialDict(entity_id=None, entity_name=None, meta=None, status="pending")
    assert shown == IsPartialDict(entity_name="Ada", meta={"x": 1})


async def test_all_processes_together(yard: Yard) -> None:
    process, empty, deleted = [await yard.make_process("a") for _ in range(3)]
    await yard.report(await yard.begin(process), "a", status="success")
    before = await yard.ask("GET", "/dashboard")
    await yard.begin(deleted)
    await yard.ask("DELETE", f"/processes/{deleted['id']}")

    after = await yard.ask("GET", "/dashboard", by=yard.viewer, params={"days": 1})

    assert before["statistics"] == after["statistics"]
    each = {figures["process_id"]: figures["statistics"]["total_runs"] for figures in after["processes"]}
    assert (1, 0, None) == (each[process["id"]], each[empty["id"]], each.get(deleted["id"]))
    assert after["statistics"]["total_runs"] == sum(each.values()) == after["trend"][0]["total"]


@pytest.mark.parametrize(
    "path", ["/dashboard", f"/dashboard/processes/{uuid4()}", f"/processes/{uuid4()}/searchable-fields"]
)
async def test_dashboards_need_a_login_and_something_to_show(yard: Yard, path: str) -> None:
    assert 401 == (await yard.client.get(f"/api/v1{path}")).status_code
    assert (200 if path == "/dashboard" else 404) == (await yard.call("GET", path)).status_code
