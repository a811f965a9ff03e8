"""Forgetting: what goes and what stays, when it is due, legal hold, and that a preview changes nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from dirty_equals import IsPartialDict
from sqlmodel import col

from stationmaster.db.clock import database_now
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs import due, housekeeping
from stationmaster.domains.runs.models import Run
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.kit.months import add_months
from stationmaster.tables import metadata
from tests.support.executions import make_spec, store, webhook
from tests.support.tracking import HOOK, Yard, faults

SCHEMA = {
    "case_type": "string",
    "size": "number",
    "tags": "array",
    "citizen": {"type": "string", "personal": True},
    "age": {"type": "integer", "personal": True},
}


async def read_everything(yard: Yard) -> dict[str, list[str]]:
    """Read the database, but for what any login and any call leave."""
    async with read_only(yard.database) as session:
        return {
            name: sorted(map(repr, (await session.execute(sa.select(table))).all()))
            for name, table in metadata.tables.items()
        }


async def count_marks(yard: Yard, mark: str) -> dict[str, int]:
    """Count the rows in which a text stands, anywhere."""
    everything = await read_everything(yard)
    counts = {name: sum(mark in row for row in rows) for name, rows in everything.items()}
    return {name: count for name, count in counts.items() if count}


async def age(yard: Yard, run: dict[str, Any], months: int) -> None:
    """Let a run be that old."""
    async with unit_of_work(yard.database) as session:
        began = add_months(await database_now(session), -months)
        assert began is not None
        await session.execute(sa.update(Run).where(col(Run.id) == UUID(run["id"])).values(created_at=began))


async def make_marked(yard: Yard, mark: str, **fields: Any) -> dict[str, Any]:
    """Make a run of which everything that can be told says the mark, with an execution that ended."""
    process = await yard.make_process("a", "b", run_metadata_schema=SCHEMA, **fields)
    meta = {"case_type": "garage", "size": 2, "tags": ["x"], "citizen": mark, "age": 7, "loose": {mark: [mark]}}
    run = await yard.begin(process, entity_id=mark, entity_name=f"Ada {mark}", key=f"key {mark}", meta=meta)
    facts: dict[str, Any] = {"meta": {"note": mark}, "result": {"said": mark}}
    await yard.report(run, "a", status="failed", failure={"message": mark, "error_code": 5}, **facts)
    [execution_id] = await store(
        yard.database,
        make_spec(target=webhook(body={"citizen": mark})),
        step_run_id=UUID(run["steps"][1]["id"]),
        params={"citizen": mark},
    )
    async with unit_of_work(yard.database) as session:
        ended = {"state": State.FAILED, "finished_at": clock.now(), "error": mark, "result": {"body": mark}}
        await session.execute(sa.update(Execution).where(col(Execution.id) == execution_id).values(ended))
        session.add(Journal(execution_id=execution_id, result={"said": mark}))
        chunk: dict[str, Any] = {
            "last_sequence": 1,
            "attempt": 1,
            "lines": 1,
            "size_bytes": 1,
            "body": f"log line about {mark}",
        }
        session.add(JournalChunk(execution_id=execution_id, first_sequence=1, **chunk))
        failed: dict[str, Any] = {
            "state": State.FAILED,
            "started_at": clock.now(),
            "finished_at": clock.now(),
            "error": mark,
        }
        session.add(Attempt(execution_id=execution_id, number=1, worker=None, **failed))
    return run


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_nothing_personal_is_left_anywhere(yard: Yard, is_deleted: bool) -> None:
    mark = f"mark-{new_id().hex}"
    run = await make_marked(yard, mark, retention_months=1)
    before = await yard.ask("GET", f"/dashboard/processes/{run['process_id']}")
    places = {"runs", "step_runs", "executions", "attempts", "specs", "journals", "journal_chunks"}
    assert places == (await count_marks(yard, mark)).keys()
    if is_deleted:
        await yard.ask("DELETE", f"/runs/{run['id']}")
    await age(yard, run, 2)

    async with unit_of_work(yard.database) as session:
        assert 1 <= await housekeeping.neutralize_due(session)

    assert {} == await count_marks(yard, mark)
    if is_deleted:
        await yard.ask("POST", f"/runs/{run['id']}/restore")
    shown = await yard.read(run)
    kept = {"case_type": "garage", "size": 2, "tags": ["x"], "citizen": "[NEUTRALIZED]", "age": "[NEUTRALIZED]"}
    assert shown == IsPartialDict(
        meta=kept, is_neutralized=True, entity_name=None, key=None, status="failed", scheduled_deletion_at=None
    )
    assert f"NEUTRALIZED_{run['id']}" == shown["entity_id"]
    after = await yard.ask("GET", f"/dashboard/processes/{run['process_id']}")
    assert (before["statistics"], before["steps"]) == (after["statistics"], after["steps"])


async def test_one_run_is_neutralised_by_hand_for_good(yard: Yard) -> None:
    mark = f"mark-{new_id().hex}"
    run = await make_marked(yard, mark)
    path = f"/runs/{run['id']}"

    assert 401 == (await yard.client.post(f"/api/v1{path}/neutralize")).status_code
    assert 403 == (await yard.call("POST", f"{path}/neutralize", by=yard.stranger)).status_code
    assert 404 == (await yard.call("POST", f"/runs/{uuid4()}/neutralize")).status_code
    first = await yard.ask("POST", f"{path}/neutralize")
    again = await yard.ask("POST", f"{path}/neutralize")
    assert (False, True) == (first["was_already_neutralized"], again["was_already_neutralized"])
    assert {} == await count_marks(yard, mark)

    assert 409 == (await yard.call("PATCH", f"{path}/metadata", {"meta": {"citizen": mark}})).status_code
    assert 409 == (await yard.try_report(run, "b", status="failed", failure={"message": mark})).status_code
    assert 200 == (await yard.try_report(run, "b", status="success")).status_code


async def test_a_run_that_is_being_worked_on_is_left_alone(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a"))
    await store(yard.database, make_spec(), step_run_id=UUID(run["steps"][0]["id"]))

    assert 409 == (await yard.call("POST", f"/runs/{run['id']}/neutralize")).status_code


async def test_a_run_is_left_alone_while_its_work_is_done_once_more(yard: Yard) -> None:
    """By a retry, which is given what the run's own execution was given."""
    run = await yard.begin(await yard.make_process({"name": "a", "target": HOOK}))
    ended = await yard.end(run, "a", State.FAILED)
    again = await yard.ask("POST", f"/executions/{ended['steps'][0]['execution_id']}/retry")

    assert 409 == (await yard.call("POST", f"/runs/{run['id']}/neutralize")).status_code
    await yard.ask("POST", f"/executions/{again['id']}/cancel")
    await yard.ask("POST", f"/runs/{run['id']}/neutralize")


async def test_legal_hold_keeps_a_run(yard: Yard) -> None:
    run = await yard.begin(await yard.make_process("a", retention_months=1))
    path = f"/runs/{run['id']}"
    reason = {"reason": "case 12"}

    assert 401 == (await yard.client.post(f"/api/v1{path}/hold", json=reason)).status_code
    assert 403 == (await yard.call("POST", f"{path}/hold", reason)).status_code
    assert 403 == (await yard.call("POST", f"{path}/release")).status_code
    assert 404 == (await yard.call("POST", f"/runs/{uuid4()}/hold", reason, by=yard.admin)).status_code
    assert 409 == (await yard.call("POST", f"{path}/release", by=yard.admin)).status_code
    held = await yard.ask("POST", f"{path}/hold", reason, by=yard.admin)
    assert ("case 12", True) == (held["hold_reason"], held["held_at"] is not None)
    assert 409 == (await yard.call("POST", f"{path}/hold", reason, by=yard.admin)).status_code
    assert 409 == (await yard.call("POST", f"{path}/neutralize")).status_code
    await age(yard, run, 2)
    async with unit_of_work(yard.database) as session:
        await housekeeping.neutralize_due(session)
    assert not (await yard.read(run))["is_neutralized"]
    await yard.ask("POST", f"{path}/release", by=yard.admin)
    assert not (await yard.ask("POST", f"{path}/neutralize"))["was_already_neutralized"]


async def test_what_is_due_follows_the_months_of_the_process(yard: Yard) -> None:
    process = await yard.make_process("a")
    run = await yard.begin(process)
    await age(yard, run, 6)
    path = f"/processes/{process['id']}/retention"

    async def is_due(months: int | None) -> bool:
        await yard.ask("PUT", path, {"retention_months": months}, by=yard.admin)
        async with read_only(yard.database) as session:
            return UUID(run["id"]) in await due.list_due(session, await database_now(session), limit=1000)

    assert [False, True, True, False, False] == [await is_due(months) for months in (None, 1, 6, 7, None)]
    shown = await yard.ask("PUT", path, {"retention_months": 7}, by=yard.admin)
    assert (await yard.read(run))["scheduled_deletion_at"] > shown["updated_at"]


@pytest.mark.parametrize(
    ("began", "months", "ends"),
    [
        ("2024-01-31T10:00:00.123456", 1, "2024-02-29T10:00:00.123456"),
        ("2023-01-29T23:59:59.999999", 1, "2023-02-28T23:59:59.999999"),
        ("2023-12-15T00:00:00.000001", 18, "2025-06-15T00:00:00.000001"),
    ],
)
async def test_a_month_is_a_calendar_month_in_the_database_too(yard: Yard, began: str, months: int, ends: str) -> None:
    process = await yard.make_process("a", retention_months=months)
    run = await yard.begin(process)
    values = [await _read(text) for text in (began, ends)]
    async with unit_of_work(yard.database) as session:
        await session.execute(sa.update(Run).where(col(Run.id) == UUID(run["id"])).values(created_at=values[0]))

    async with read_only(yard.database) as session:
        early, late = values[1] - timedelta(microseconds=1), values[1]
        found = [UUID(run["id"]) in await due.list_due(session, now, limit=1000) for now in (early, late)]

    assert [False, True] == found


async def _read(text: str) -> Any:
    return clock.now().fromisoformat(f"{text}+00:00")


async def test_the_cleanup_counts_all_and_previews_first(yard: Yard) -> None:
    process = await yard.make_process("a", retention_months=1)
    runs = [await yard.begin(process) for _ in range(3)]
    for run in runs:
        await age(yard, run, 5)
    before = await read_everything(yard)

    stats = await yard.ask("GET", "/admin/cleanup/stats", params={"limit": 1}, by=yard.admin)
    preview = await yard.ask("POST", "/admin/cleanup/neutralize", params={"limit": 1000}, by=yard.admin)

    assert before == await read_everything(yard)
    assert (True, 1) == (stats["total_due_for_neutralization"] >= 3, len(stats["sample_run_ids"]))
    assert {run["id"] for run in runs} <= set(preview["neutralized_run_ids"])
    assert preview["dry_run"] is True
    done = await yard.ask("POST", "/admin/cleanup/neutralize", params={"limit": 1000, "dry_run": False}, by=yard.admin)
    assert preview | {"dry_run": False} == done
    assert 0 == (await yard.ask("GET", "/admin/cleanup/stats", by=yard.admin))["total_due_for_neutralization"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/cleanup/stats"),
        ("POST", "/admin/cleanup/neutralize"),
        ("POST", "/admin/entities/export"),
        ("POST", "/admin/entities/erase"),
    ],
)
async def test_cleanup_is_for_admins(yard: Yard, method: str, path: str) -> None:
    body = {"entity_id": "x"} if "entities" in path else None

    assert 401 == (await yard.client.request(method, f"/api/v1{path}", json=body)).status_code
    assert 403 == (await yard.call(method, path, body)).status_code
    assert 200 == (await yard.call(method, path, body, by=yard.admin)).status_code
    assert ["batch_size"] == faults(await yard.call(method, f"{path}?batch_size=1", body, by=yard.admin))


async def test_what_is_held_about_somebody_is_exported_and_erased(yard: Yard) -> None:
    mark = f"mark-{new_id().hex}"
    first, second = await make_marked(yard, mark), await make_marked(yard, mark)
    body = {"entity_id": mark}

    export = await yard.ask("POST", "/admin/entities/export", body, by=yard.admin)
    before = await read_everything(yard)
    preview = await yard.ask("POST", "/admin/entities/erase", body, by=yard.admin)

    assert {first["id"], second["id"]} == {run["id"] for run in export["runs"]}
    assert (4, 2) == (len(export["step_runs"]), len(export["executions"]))
    assert {first["id"], second["id"]} == set(preview["neutralized_run_ids"])
    assert before == await read_everything(yard)
    erased = await yard.ask("POST", "/admin/entities/erase", body, params={"dry_run": False}, by=yard.admin)
    assert 2 == erased["neutralized_count"]
    assert {} == await count_marks(yard, mark)


async def test_what_was_deleted_long_ago_is_purged(yard: Yard) -> None:
    mark = f"mark-{new_id().hex}"
    run, gone, fresh = [await make_marked(yard, f"{mark}-{name}") for name in "abc"]
    await yard.ask("DELETE", f"/runs/{run['id']}")
    await yard.ask("DELETE", f"/processes/{gone['process_id']}")
    await yard.ask("DELETE", f"/runs/{fresh['id']}")
    async with unit_of_work(yard.database) as session:
        long_ago = await database_now(session) - timedelta(days=31)
        await session.execute(sa.update(Run).where(col(Run.id) == UUID(run["id"])).values(deleted_at=long_ago))
        await session.execute(
            sa.update(Process).where(col(Process.id) == UUID(gone["process_id"])).values(deleted_at=long_ago)
        )

    for attempt in range(2):
        async with unit_of_work(yard.database) as session:
            before = await database_now(session) - timedelta(days=30)
            assert await housekeeping.count_deleted(session, before, 100) == (2, 0)[attempt]
            assert await housekeeping.purge_deleted(session, before, 100) == (2, 0)[attempt]

    async with read_only(yard.database) as session:
        left = [await session.get(Run, UUID(one["id"])) is not None for one in (run, gone, fresh)]
        assert [False, False, True] == left
        assert await session.get(Process, UUID(gone["process_id"])) is None
    assert {} == await count_marks(yard, f"{mark}-a") | await count_marks(yard, f"{mark}-b")
