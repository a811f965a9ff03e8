"""Defining processes over HTTP."""

import asyncio
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.kit.ids import new_id
from tests.support.tracking import Yard, faults

NOWHERE = f"/processes/{uuid4()}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/processes"),
        ("POST", "/processes"),
        ("GET", NOWHERE),
        ("PATCH", NOWHERE),
        ("DELETE", NOWHERE),
        ("POST", f"{NOWHERE}/restore"),
        ("PUT", f"{NOWHERE}/retention"),
        ("GET", f"{NOWHERE}/versions"),
    ],
)
async def test_nobody_gets_in_without_a_login(yard: Yard, method: str, path: str) -> None:
    body: dict[str, str] | None = {} if method in {"POST", "PATCH", "PUT"} else None
    answer = await yard.client.request(method, f"/api/v1{path}", json=body)

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("PUT", "/retention", {"retention_months": 1}),
        ("GET", "/versions", None),
    ],
)
async def test_what_is_not_there_is_not_found(yard: Yard, method: str, path: str, body: object) -> None:
    answer = await yard.call(method, f"{NOWHERE}{path}", body, by=yard.admin)

    assert (404, "/problems/not-found") == (answer.status_code, answer.json()["type"])


async def test_a_created_process_is_answered_as_it_will_be_read(yard: Yard) -> None:
    name = f"permits-{new_id().hex}"
    schema = {"case_type": "string", "citizen": {"type": "str", "personal": True}}
    body = {"name": name, "meta": {"team": "maps"}, "retention_months": 6, "run_metadata_schema": schema}

    answer = await yard.call("POST", "/processes", body | {"steps": [{"name": "check"}, {"name": "decide"}]})

    process = answer.json()
    assert (201, f"/api/v1/processes/{process['id']}") == (answer.status_code, answer.headers["location"])
    assert process == await yard.ask("GET", f"/processes/{process['id']}")
    assert process == IsPartialDict(name=name, meta={"team": "maps"}, retention_months=6, version=1, deleted_at=None)
    assert process["run_metadata_schema"]["citizen"] == IsPartialDict(type="string", personal=True, filterable=True)
    assert [("check", 0), ("decide", 1)] == [(step["name"], step["index"]) for step in process["steps"]]


async def test_the_schema_may_stand_in_the_meta_as_it_used_to(yard: Yard) -> None:
    process = await yard.make_process(meta={"team": "maps", "run_metadata_schema": {"region": "string"}})

    assert ({"team": "maps"}, ["region"]) == (process["meta"], list(process["run_metadata_schema"]))


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"retention_months": 0}, ["/retention_months"]),
        ({"retention_months": -3}, ["/retention_months"]),
        ({"retention_months": "6"}, ["/retention_months"]),
        ({"name": " "}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"colour": "red"}, ["/colour"]),
        ({"run_metadata_schema": {"x": "banana"}}, ["/run_metadata_schema/x"]),
        ({"run_metadata_schema": {"x": {"type": "string", "secret": True}}}, ["/run_metadata_schema/x/secret"]),
        ({"run_metadata_schema": []}, ["/run_metadata_schema"]),
        ({"steps": [{"name": "a"}, {"name": "a"}]}, [""]),
        ({"steps": [{"name": "a", "index": 1}, {"name": "b", "index": 1}]}, [""]),
        ({"steps": [{"name": "a", "index": 1}, {"name": "b"}]}, ["/steps"]),
        ({"steps": [{"name": "a", "index": -1}]}, ["/steps/0/index"]),
        ({"meta": {"x": "\x00"}}, ["/meta"]),
    ],
)
async def test_wrong_input_is_refused_and_named(yard: Yard, fields: dict[str, object], pointers: list[str]) -> None:
    answer = await yard.call("POST", "/processes", {"name": f"p-{new_id().hex}"} | fields)

    assert [pointer or None for pointer in pointers] == [pointer or None for pointer in faults(answer)]


async def test_a_name_is_used_once_and_free_again_after_a_delete(yard: Yard) -> None:
    process = await yard.make_process()
    again = {"name": process["name"]}

    assert 409 == (await yard.call("POST", "/processes", again, by=yard.stranger)).status_code
    await yard.ask("DELETE", f"/processes/{process['id']}")
    await yard.ask("POST", "/processes", again)

    restored = await yard.call("POST", f"/processes/{process['id']}/restore")
    assert (409, "/problems/already-exists") == (restored.status_code, restored.json()["type"])


async def test_of_many_that_create_the_same_name_at_once_one_does(yard: Yard) -> None:
    body = {"name": f"p-{new_id().hex}"}
    answers = await asyncio.gather(*(yard.call("POST", "/processes", body) for _ in range(4)))

    assert [201, 409, 409, 409] == sorted(answer.status_code for answer in answers)


async def test_only_the_owner_and_admins_change_a_process(yard: Yard) -> None:
    process = await yard.make_process()
    path = f"/processes/{process['id']}"

    for by, status in [(yard.viewer, 403), (yard.stranger, 403), (yard.owner, 200), (yard.admin, 200)]:
        assert status == (await yard.call("PATCH", path, {"description": "x"}, by=by)).status_code
    assert 403 == (await yard.call("DELETE", path, by=yard.stranger)).status_code
    assert 403 == (await yard.call("POST", "/processes", {"name": "x"}, by=yard.viewer)).status_code
    assert 200 == (await yard.call("GET", path, by=yard.viewer)).status_code


async def test_a_change_leaves_alone_what_it_does_not_name(yard: Yard) -> None:
    process = await yard.make_process("check", description="old", meta={"a": 1})

    changed = await yard.ask("PATCH", f"/processes/{process['id']}", {"description": None})

    assert changed == IsPartialDict(description=None, meta={"a": 1}, name=process["name"], version=1)
    assert changed["steps"] == process["steps"]


async def test_a_stale_change_is_refused(yard: Yard) -> None:
    process = await yard.make_process()
    path = f"/processes/{process['id']}"
    tag = (await yard.call("GET", path)).headers["etag"]
    await yard.ask("PATCH", path, {"description": "first"})

    answer = await yard.call("PATCH", path, {"description": "second"}, headers={"If-Match": tag})

    assert 412 == answer.status_code


async def test_how_long_runs_are_kept_is_for_admins(yard: Yard) -> None:
    path = f"/processes/{(await yard.make_process())['id']}"

    assert 403 == (await yard.call("PUT", f"{path}/retention", {"retention_months": 1})).status_code
    assert 403 == (await yard.call("PATCH", path, {"retention_months": 1})).status_code
    kept = await yard.ask("PUT", f"{path}/retention", {"retention_months": 3}, by=yard.admin)
    assert 3 == kept["retention_months"]
    for_ever = await yard.ask("PUT", f"{path}/retention", {"retention_months": None}, by=yard.admin)
    assert for_ever["retention_months"] is None
    assert ["/retention_months"] == faults(await yard.call("PUT", f"{path}/retention", {}, by=yard.admin))


async def test_a_deleted_process_is_gone_until_it_is_restored(yard: Yard) -> None:
    process = await yard.make_process("check")
    path = f"/processes/{process['id']}"

    assert 409 == (await yard.call("POST", f"{path}/restore")).status_code
    await yard.ask("DELETE", path)
    assert [404, 404, 404] == [
        (await yard.call("GET", path)).status_code,
        (await yard.call("DELETE", path)).status_code,
        (await yard.call("GET", f"/steps/{process['steps'][0]['id']}")).status_code,
    ]
    listed = await yard.ask("GET", "/processes", params={"deleted": True, "name": process["name"]})
    assert [process["id"]] == [item["id"] for item in listed["items"]]

    restored = await yard.ask("POST", f"{path}/restore")
    assert process | {"updated_at": restored["updated_at"]} == restored


async def test_the_list_finds_by_name_and_owner(yard: Yard) -> None:
    process = await yard.make_process("check", meta={"region": "north"})
    name = process["name"]

    for params in (
        {"name": name},
        {"filter": f"name = {name}", "owner_id": str(yard.owner.id)},
        {"filter": f"name = {name}", "meta_filter": "region:north"},
    ):
        listed = await yard.ask("GET", "/processes", params=params, by=yard.viewer)
        assert [process] == listed["items"]
    other = await yard.ask("GET", "/processes", params={"name": name, "owner_id": str(yard.stranger.id)})
    assert [] == other["items"]
