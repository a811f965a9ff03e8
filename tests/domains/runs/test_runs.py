"""Beginning, reading and deleting runs over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.kit.ids import new_id
from tests.support.tracking import Yard, faults, statuses

NOWHERE = f"/runs/{uuid4()}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("POST", "/cancel", None),
        ("POST", "/uncancel", None),
        ("PATCH", "/metadata", {"meta": {}}),
        ("GET", "/step-runs", None),
    ],
)
async def test_nobody_viewers_and_what_is_not_there(yard: Yard, method: str, path: str, body: object) -> None:
    anonymous = await yard.client.request(method, f"/api/v1{NOWHERE}{path}", json=body)

    assert 401 == anonymous.status_code
    assert 403 == (await yard.call(method, f"{NOWHERE}{path}", body, by=yard.viewer)).status_code
    assert 404 == (await yard.call(method, f"{NOWHERE}{path}", body)).status_code


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", {"process_id": str(uuid4()), "entity_id": "x"})])
async def test_the_collection_is_not_for_viewers(yard: Yard, method: str, body: object) -> None:
    assert 401 == (await yard.client.request(method, "/api/v1/runs", json=body)).status_code
    assert 403 == (await yard.call(method, "/runs", body, by=yard.viewer)).status_code


async def test_a_run_begins_with_a_step_run_for_each_step(yard: Yard) -> None:
    process = await yard.make_process("a", {"name": "b", "is_optional": True}, "c", retention_months=1)

    body = {"process_id": process["id"], "entity_id": "e-1", "entity_name": "Ada", "meta": {"x": [1, {"y": None}]}}
    answer = await yard.call("POST", "/runs", body, by=yard.stranger)

    run = answer.json()
    assert (201, f"/api/v1/runs/{run['id']}") == (answer.status_code, answer.headers["location"])
    assert run == await yard.read(run)
    assert run == IsPartialDict(
        body | {"version": 1, "status": "pending", "started_at": None, "finished_at": None, "is_neutralized": False}
    )
    assert str(yard.stranger.id) == run["created_by"]
    assert run["scheduled_deletion_at"] > run["created_at"]
    assert [("a", 0, False), ("b", 1, True), ("c", 2, False)] == [
        (one["name"], one["index"], one["is_optional"]) for one in run["steps"]
    ]
    assert {one["step_id"] for one in run["steps"]} == {step["id"] for step in process["steps"]}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"entity_id": ""}, ["/entity_id"]),
        ({"entity_id": 5}, ["/entity_id"]),
        ({"entity_id": "x" * 256}, ["/entity_id"]),
        ({"process_id": "x"}, ["/process_id"]),
        ({"meta": []}, ["/meta"]),
        ({"status": "completed"}, ["/status"]),
        ({"meta": {"age": "old"}}, ["/meta/age", "/meta/must"]),
        ({"meta": {"age": 1.5, "must": "x"}}, ["/meta/age"]),
        ({"meta": {"age": True, "must": "x"}}, ["/meta/age"]),
        ({"meta": {"day": "2024-13-01", "must": "x"}}, ["/meta/day"]),
        ({"meta": {"must": None}}, ["/meta/must"]),
    ],
)
async def test_wrong_input_is_refused_and_named(yard: Yard, body: dict[str, Any], pointers: list[str]) -> None:
    schema = {"age": "integer", "day": "date", "must": {"type": "string", "required": True}}
    process = await yard.make_process(run_metadata_schema=schema)

    answer = await yard.call("POST", "/runs", {"process_id": process["id"], "entity_id": "x"} | body)

    assert pointers == faults(answer)


async def test_a_deleted_process_takes_no_runs(yard: Yard) -> None:
    process = await yard.make_process()
    await yard.ask("DELETE", f"/processes/{process['id']}")

    answer = await yard.call("POST", "/runs", {"process_id": process["id"], "entity_id": "x"})

    assert 404 == answer.status_code


async def test_a_key_makes_a_run_once(yard: Yard) -> None:
    process, other = await yard.make_process("a"), await yard.make_process("a")
    body = {"process_id": process["id"], "entity_id": "x", "key": "2026-11"}

    answers = await asyncio.gather(*(yard.call("POST", "/runs", body) for _ in range(5)))

    assert [200, 200, 200, 200, 201] == sorted(answer.status_code for answer in answers)
    assert 1 == len({answer.json()["id"] for answer in answers})
    run = answers[0].json()
    elsewhere = await yard.call("POST", "/runs", body | {"process_id": other["id"]})
    assert 201 == elsewhere.status_code
    await yard.ask("DELETE", f"/runs/{run['id']}")
    assert 201 == (await yard.call("POST", "/runs", body)).status_code
    assert 409 == (await yard.call("POST", f"/runs/{run['id']}/restore")).status_code


async def test_deleting_a_run_is_for_the_owner_of_the_process(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a"), key=new_id().hex)
    path = f"/runs/{run['id']}"

    assert 403 == (await yard.call("DELETE", path, by=yard.stranger)).status_code
    assert 409 == (await yard.call("POST", f"{path}/restore")).status_code
    await yard.ask("DELETE", path)
    gone = [await yard.call("GET", path), await yard.call("GET", f"/step-runs/{run['steps'][0]['id']}")]
    gone += [await yard.call("PATCH", f"/step-runs/{run['steps'][0]['id']}", {"status": "success"})]
    gone += [await yard.call("DELETE", path), await yard.call("POST", f"{path}/cancel")]
    assert [404] * 5 == [answer.status_code for answer in gone]
    assert 403 == (await yard.call("POST", f"{path}/restore", by=yard.stranger)).status_code

    restored = await yard.ask("POST", f"{path}/restore")
    assert run | {"updated_at": restored["updated_at"]} == restored


async def test_a_process_takes_its_runs_along_and_brings_exactly_those_back(yard: Yard) -> None:
    process = await yard.make_process("a")
    kept, deleted = await yard.begin(process), await yard.begin(process)
    await yard.ask("DELETE", f"/runs/{deleted['id']}")
    await yard.ask("DELETE", f"/processes/{process['id']}")

    assert 404 == (await yard.call("GET", f"/runs/{kept['id']}")).status_code
    assert 404 == (await yard.call("PATCH", f"/step-runs/{kept['steps'][0]['id']}", {"status": "success"})).status_code
    listed = await yard.ask("GET", "/runs", params={"process_id": process["id"]})
    assert 0 == listed["total"]

    await yard.ask("POST", f"/processes/{process['id']}/restore")
    assert [200, 404] == [(await yard.call("GET", f"/runs/{run['id']}")).status_code for run in (kept, deleted)]


async def test_a_cancelled_run_takes_no_reports_until_it_is_uncancelled(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a", "b"))
    path = f"/runs/{run['id']}"
    await yard.report(run, "a", status="success")

    assert 409 == (await yard.call("POST", f"{path}/uncancel")).status_code
    cancelled = await yard.ask("POST", f"{path}/cancel", by=yard.stranger)
    assert {"run": "cancelled", "a": "success", "b": "pending"} == statuses(cancelled)
    assert cancelled["finished_at"] == cancelled["cancelled_at"]
    assert 409 == (await yard.call("POST", f"{path}/cancel")).status_code
    assert 409 == (await yard.try_report(run, "b", status="success")).status_code

    again = await yard.ask("POST", f"{path}/uncancel")
    assert ("running", None, None) == (again["status"], again["cancelled_at"], again["finished_at"])
    assert "completed" == (await yard.report(run, "b", status="success"))["status"]
    assert 409 == (await yard.call("POST", f"{path}/cancel")).status_code


async def test_metadata_changes_where_it_is_known(yard: Yard) -> None:
    process = await yard.make_process(run_metadata_schema={"age": "integer", "name": "string"})
    run = await yard.begin(process, meta={"loose": 1, "age": 5})
    path = f"/runs/{run['id']}/metadata"

    changed = await yard.ask("PATCH", path, {"meta": {"name": "x", "loose": [2]}}, by=yard.stranger)
    assert {"loose": [2], "age": 5, "name": "x"} == changed["meta"]
    assert ["/meta/other"] == faults(await yard.call("PATCH", path, {"meta": {"other": 1}}))
    assert ["/meta/age"] == faults(await yard.call("PATCH", path, {"meta": {"age": "x"}}))
    tag = (await yard.call("GET", f"/runs/{run['id']}")).headers["etag"]
    await yard.ask("PATCH", path, {"meta": {"age": 6}}, headers={"If-Match": tag})
    stale = await yard.call("PATCH", path, {"meta": {"age": 7}}, headers={"If-Match": tag})
    assert 412 == stale.status_code
