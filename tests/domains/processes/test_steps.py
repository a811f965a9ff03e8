"""The steps of a process over HTTP, and the versions that their changes make."""

from typing import Any
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict

from tests.support.tracking import HOOK, Yard, faults

NOWHERE = f"/steps/{uuid4()}"


async def order(yard: Yard, process: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the names and places of the steps."""
    listed = await yard.ask("GET", f"/processes/{process['id']}/steps")
    return [(step["name"], step["index"]) for step in listed["items"]]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_strangers_and_nobody(yard: Yard, method: str) -> None:
    process = await yard.make_process("check")
    path = f"/steps/{process['steps'][0]['id']}"
    body = {"name": "x"} if method == "PATCH" else None

    assert 401 == (await yard.client.request(method, f"/api/v1{path}", json=body)).status_code
    expected = 200 if method == "GET" else 403
    assert expected == (await yard.call(method, path, body, by=yard.stranger)).status_code
    assert 404 == (await yard.call(method, NOWHERE, body)).status_code


async def test_a_step_comes_last_or_where_it_is_wanted(yard: Yard) -> None:
    process = await yard.make_process("a", "b")
    path = f"/processes/{process['id']}/steps"

    answer = await yard.call("POST", path, {"name": "c", "is_optional": True})
    step = answer.json()
    assert (201, f"/api/v1/steps/{step['id']}") == (answer.status_code, answer.headers["location"])
    assert step == await yard.ask("GET", f"/steps/{step['id']}")
    assert step == IsPartialDict(index=2, is_optional=True, process_id=process["id"])
    await yard.ask("POST", path, {"name": "z", "index": 0})
    await yard.ask("POST", path, {"name": "far", "index": 50})

    assert [("z", 0), ("a", 1), ("b", 2), ("c", 3), ("far", 50)] == await order(yard, process)


async def test_the_steps_that_can_be_done_again_are_listed(yard: Yard) -> None:
    process = await yard.make_process("a", {"name": "b", "target": HOOK}, {"name": "c", "is_rerunnable": True})

    async def names(rerunnable: bool) -> list[str]:
        found = await yard.ask("GET", f"/processes/{process['id']}/steps", params={"rerunnable": rerunnable})
        return [step["name"] for step in found["items"]]

    assert (["b", "c"], ["a"]) == (await names(True), await names(False))


async def test_a_step_moves_and_makes_room(yard: Yard) -> None:
    process = await yard.make_process("a", "b", "c")
    last = process["steps"][2]["id"]

    moved = await yard.ask("PATCH", f"/steps/{last}", {"index": 0})

    assert 0 == moved["index"]
    assert [("c", 0), ("a", 1), ("b", 2)] == await order(yard, process)


async def test_all_steps_are_reordered_at_once(yard: Yard) -> None:
    process = await yard.make_process("a", "b", "c")
    ids = [step["id"] for step in process["steps"]]
    path = f"/processes/{process['id']}/steps/order"

    reordered = await yard.ask("PUT", path, {"steps": [ids[2], ids[0], ids[1]]})

    assert ["c", "a", "b"] == [step["name"] for step in reordered["steps"]]
    for wrong in (ids[:2], [*ids, ids[0]], [*ids[:2], str(uuid4())]):
        assert ["/steps"] == faults(await yard.call("PUT", path, {"steps": wrong}))
    assert 403 == (await yard.call("PUT", path, {"steps": ids}, by=yard.stranger)).status_code
    assert 404 == (await yard.call("PUT", f"/processes/{uuid4()}/steps/order", {"steps": []})).status_code


async def test_names_are_used_once_within_a_process(yard: Yard) -> None:
    process = await yard.make_process("a", "b")
    path = f"/processes/{process['id']}/steps"

    assert 409 == (await yard.call("POST", path, {"name": "a"})).status_code
    assert 409 == (await yard.call("PATCH", f"/steps/{process['steps'][1]['id']}", {"name": "a"})).status_code
    await yard.make_process("a")


async def test_a_deleted_step_is_gone_until_it_is_restored_in_its_place(yard: Yard) -> None:
    process = await yard.make_process("a", "b", "c")
    path = f"/steps/{process['steps'][1]['id']}"

    assert 409 == (await yard.call("POST", f"{path}/restore")).status_code
    await yard.ask("DELETE", path)
    assert 404 == (await yard.call("GET", path)).status_code
    await yard.ask("POST", f"/processes/{process['id']}/steps", {"name": "new", "index": 1})
    await yard.ask("POST", f"{path}/restore")

    assert [("a", 0), ("b", 1), ("new", 2), ("c", 3)] == await order(yard, process)
    await yard.ask("DELETE", path)
    await yard.ask("POST", f"/processes/{process['id']}/steps", {"name": "b"})
    assert 409 == (await yard.call("POST", f"{path}/restore")).status_code


async def test_each_change_makes_a_version_and_runs_keep_theirs(yard: Yard) -> None:
    process = await yard.make_process("a", "b")
    old = await yard.begin(process)
    await yard.ask("PATCH", f"/steps/{process['steps'][0]['id']}", {"name": "first"})
    await yard.ask("DELETE", f"/steps/{process['steps'][1]['id']}")
    new = await yard.begin(process)

    assert (1, ["a", "b"]) == (old["version"], [one["name"] for one in (await yard.read(old))["steps"]])
    assert (3, ["first"]) == (new["version"], [one["name"] for one in new["steps"]])
    versions = await yard.ask("GET", f"/processes/{process['id']}/versions", by=yard.viewer)
    assert [(3, ["first"]), (2, ["first", "b"]), (1, ["a", "b"])] == [
        (one["number"], [step["name"] for step in one["steps"]]) for one in versions["items"]
    ]


async def test_what_changes_no_step_makes_no_version(yard: Yard) -> None:
    process = await yard.make_process("a")

    changed = await yard.ask("PATCH", f"/processes/{process['id']}", {"description": "x"})

    assert 1 == changed["version"]
