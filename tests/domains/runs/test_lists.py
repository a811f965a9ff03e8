"""Lists of runs: the plain filters, the list language, metadata and cursors."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from stationmaster.domains.executions.states import State
from stationmaster.domains.runs.listing import RUNS
from tests.support.tracking import HOOK, Yard, faults

HOSTILE = ["' OR 1=1 --", "x'; DROP TABLE runs; --", "\"}' --", "\\", "%", "_", "$.region", "$1", ":id"]


@dataclass
class Shelf:
    """Four runs of one process, made in this order."""

    yard: Yard
    process: dict[str, Any]
    runs: list[dict[str, Any]]

    async def get(self, **params: Any) -> httpx.Response:
        return await self.yard.call("GET", "/runs", params={"process_id": self.process["id"]} | params)

    async def found(self, **params: Any) -> list[int]:
        """Return which of the runs are listed, numbered from 1, in the order of the answer."""
        answer = await self.get(**params)
        assert answer.status_code == 200, answer.text
        ids = [run["id"] for run in self.runs]
        return [ids.index(item["id"]) + 1 for item in answer.json()["items"]]


@pytest.fixture(scope="module")
async def shelf(yard: Yard) -> Shelf:
    process = await yard.make_process("a", "b")
    metas: list[dict[str, Any]] = [
        {"region": "north", "size": 9, "open": True},
        {"region": "south", "size": 10},
        {"region": "a:b, c"},
        {"region": "north", "size": 10, "list": ["north"]},
    ]
    runs = [
        await yard.begin(process, entity_id=f"e-{number}", entity_name=f"Ada {number}%", meta=meta)
        for number, meta in enumerate(metas, 1)
    ]
    times = {"started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-02T00:00:00Z"}
    await yard.report(runs[0], "a", status="failed", **times)
    await yard.report(runs[1], "b", status="failed")
    for step in "ab":
        await yard.report(runs[2], step, status="success", **times)
    return Shelf(yard, process, runs)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"entity_id": "e-2"}, [2]),
        ({"entity_id": "e-"}, []),
        ({"entity_name": "ADA 3"}, [3]),
        ({"entity_name": "%"}, [4, 3, 2, 1]),
        ({"entity_name": "_"}, []),
        ({"status": "failed"}, [2, 1]),
        ({"status": ["pending", "completed"]}, [4, 3]),
        ({"started_after": "2026-01-01", "started_before": "2026-01-01"}, [3, 1]),
        ({"finished_before": "2026-01-01"}, []),
        ({"finished_before": "2026-01-02T00:00:00Z"}, [3, 1]),
        ({"created_after": "2026-01-01"}, [4, 3, 2, 1]),
        ({"created_before": "2026-01-01"}, []),
        ({"meta_filter": "region:north"}, [4, 1]),
        ({"meta_filter": ["region:north", "region:south"]}, [4, 2, 1]),
        ({"meta_filter": ["region:north", "region:south", "size:10"]}, [4, 2]),
        ({"meta_filter": "region:a:b, c"}, [3]),
        ({"meta_filter": "open:true"}, [1]),
        ({"meta_filter": "list:north"}, []),
        ({"order_by": "created_at", "sort_direction": "asc"}, [1, 2, 3, 4]),
        ({"order_by": "created_at"}, [4, 3, 2, 1]),
        ({"sort_direction": "asc"}, [1, 2, 3, 4]),
        ({"order_by": "meta.size", "sort_direction": "asc"}, [1, 2, 4, 3]),
        ({"order_by": "meta.region", "sort_direction": "asc"}, [3, 1, 4, 2]),
        ({"sort": "entity_id"}, [1, 2, 3, 4]),
        ({"filter": "meta.size >= 10", "sort": "-id"}, [4, 2]),
        ({"filter": "entity_name like ada%, status != failed"}, [4, 3]),
        ({"filter": "duration_seconds = 86400"}, [3, 1]),
    ],
)
async def test_runs_are_found(shelf: Shelf, params: dict[str, Any], expected: list[int]) -> None:
    assert expected == await shelf.found(**params)


async def test_runs_are_found_by_the_step_they_failed_at(shelf: Shelf) -> None:
    first, second = (step["id"] for step in shelf.process["steps"])

    assert [1] == await shelf.found(failed_at=first)
    assert [2] == await shelf.found(failed_at=second)


async def test_a_run_that_failed_at_a_step_twice_is_listed_once(yard: Yard) -> None:
    process = await yard.make_process(
        {"name": "a", "is_rerunnable": True}, {"name": "b", "target": HOOK, "fan_out": {"over": {"n": [1, 2]}}}
    )
    run = await yard.report(await yard.begin(process), "a", status="failed")
    await yard.ask("POST", f"/step-runs/{run['steps'][0]['id']}/rerun")
    await yard.report(run, "a", status="failed")
    other = await yard.report(await yard.begin(process), "a", status="success")
    for item in (0, 1):
        await yard.end(other, "b", State.FAILED, item=item)

    found = [await yard.ask("GET", "/runs", params={"failed_at": step["id"]}) for step in process["steps"]]

    assert [[run["id"]], [other["id"]]] == [[item["id"] for item in page["items"]] for page in found]
    assert [1, 1] == [page["total"] for page in found]


async def test_the_deleted_runs_are_listed_apart(yard: Yard) -> None:
    process = await yard.make_process("a")
    kept, deleted = await yard.begin(process), await yard.begin(process)
    await yard.ask("DELETE", f"/runs/{deleted['id']}")

    pages = [
        await yard.ask("GET", "/runs", params={"process_id": process["id"], "deleted": is_deleted})
        for is_deleted in (False, True)
    ]

    assert [[kept["id"]], [deleted["id"]]] == [[item["id"] for item in page["items"]] for page in pages]


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"status": "done"}, "status"),
        ({"run_status": "failed"}, "run_status"),
        ({"meta_filter": "region"}, "meta_filter"),
        ({"meta_filter": ":x"}, "meta_filter"),
        ({"order_by": "metadata"}, "sort"),
        ({"order_by": "steps"}, "sort"),
        ({"order_by": "a,b"}, "order_by"),
        ({"order_by": "-id"}, "order_by"),
        ({"order_by": "'"}, "order_by"),
        ({"order_by": "id", "sort": "id"}, "sort"),
        ({"sort_direction": "up"}, "sort_direction"),
        ({"started_after": "yesterday"}, "started_after"),
        ({"failed_at": "a"}, "failed_at"),
        ({"include": "steps"}, "include"),
        ({"size": "101"}, "size"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_what_is_not_offered_is_refused(shelf: Shelf, params: dict[str, str], parameter: str) -> None:
    assert [parameter] == faults(await shelf.get(**params))


async def test_pages_and_cursors_lead_to_the_same_runs(shelf: Shelf) -> None:
    by_page = [*await shelf.found(size=3), *await shelf.found(size=3, page=2)]
    first = (await shelf.get(size=3, cursor="")).json()
    second = (await shelf.get(size=3, cursor=first["next_cursor"])).json()

    assert [4, 3, 2, 1] == by_page
    assert [run["id"] for run in reversed(shelf.runs)] == [item["id"] for item in first["items"] + second["items"]]
    linked = (await shelf.get(size=1, meta_filter=["region:north", "region:south"])).headers["link"]
    assert "meta_filter=region%3Anorth&meta_filter=region%3Asouth" in linked
    nothing = (await shelf.get(entity_id="none")).json()
    assert ([], 0, 0) == (nothing["items"], nothing["total"], nothing["pages"])


async def test_fields_are_left_out(shelf: Shelf) -> None:
    [item] = (await shelf.get(exclude="steps,meta", entity_id="e-1")).json()["items"]

    assert {"steps", "meta"} & item.keys() == set()


@pytest.mark.parametrize("name", [found.label for found in (RUNS.key, *RUNS.fields)])
async def test_no_text_breaks_out(shelf: Shelf, name: str) -> None:
    for text in HOSTILE:
        quoted = '"' + text.replace('"', '""') + '"'
        for params in ({"filter": f"{name} = {quoted}"}, {"filter": f"meta.{quoted} = {quoted}"}):
            answer = await shelf.get(**params)
            assert answer.status_code == 422 or answer.json()["items"] == []
        assert 200 == (await shelf.get(order_by=f"meta.{quoted}")).status_code
        assert [] == (await shelf.get(meta_filter=f"k{text}:{text}")).json()["items"]

    assert [4, 3, 2, 1] == await shelf.found()
