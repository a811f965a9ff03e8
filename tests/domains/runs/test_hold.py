"""Legal hold against the retention: neither a run nor what the work for it left is removed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db import blobs
from stationmaster.db.blobs import BytesSource
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.journals.models import Journal
from stationmaster.domains.executions.models import Execution
from stationmaster.kit import clock
from tests.support.tracking import HOOK, Yard, step_run

REASON = {"reason": "case 12"}


async def sweep(yard: Yard, *names: str) -> None:
    """Remove by these rules whatever is old enough for tomorrow."""
    for name in names:
        [rule] = [rule for rule in yard.app.state.retention.rules if rule.name == name]
        async with unit_of_work(yard.database) as session:
            counted = await rule.count(session, clock.now() + timedelta(days=1), 1000)
            assert counted == await rule.remove(session, clock.now() + timedelta(days=1), 1000)


async def begin_worked(yard: Yard) -> tuple[dict[str, Any], UUID]:
    """Begin a run whose step is done, with a log and a file; return it and its execution."""
    run = await yard.end(await yard.begin(await yard.make_process({"name": "a", "target": HOOK})), "a")
    id_ = UUID(step_run(run, "a")["execution_id"])
    async with unit_of_work(yard.database) as session:
        stored = await blobs.measure(source := BytesSource(id_.bytes))
        await blobs.store(session, source, stored)
        session.add(Journal(execution_id=id_))
        facts: dict[str, Any] = {"attempt": 1, "media_type": "text/plain", "size_bytes": stored.size_bytes}
        session.add(Artifact(execution_id=id_, name="report", digest=stored.digest, **facts))
    return run, id_


async def count_left(yard: Yard, id_: UUID) -> list[int]:
    """Count what there is of an execution: itself, its log, its files."""
    keys = (Execution.id, Journal.execution_id, Artifact.execution_id)
    async with read_only(yard.database) as session:
        counts = [sa.select(sa.func.count()).where(key == id_) for key in keys]  # type: ignore[arg-type]  # a column
        return [await session.scalar(count) or 0 for count in counts]


@pytest.mark.parametrize("rules", [("logs", "artifacts"), ("executions",)])
async def test_what_the_work_left_is_kept_along(yard: Yard, rules: tuple[str, ...]) -> None:
    held, kept = await begin_worked(yard)
    _, gone = await begin_worked(yard)
    await yard.ask("POST", f"/runs/{held['id']}/hold", REASON, by=yard.admin)

    await sweep(yard, *rules)

    left = [0, 0, 0] if "executions" in rules else [1, 0, 0]
    assert ([1, 1, 1], left) == (await count_left(yard, kept), await count_left(yard, gone))
    await yard.ask("POST", f"/runs/{held['id']}/release", by=yard.admin)
    await sweep(yard, *rules)
    assert left == await count_left(yard, kept)


@pytest.mark.parametrize("what", ["runs", "processes"])
async def test_what_was_deleted_is_kept(yard: Yard, what: str) -> None:
    """Itself or with its process."""
    runs = [await yard.begin(await yard.make_process("a")) for _ in range(2)]
    await yard.ask("POST", f"/runs/{runs[0]['id']}/hold", REASON, by=yard.admin)
    paths = [f"/{what}/{run['id' if what == 'runs' else 'process_id']}" for run in runs]
    for path in paths:
        await yard.ask("DELETE", path)

    await sweep(yard, "deleted_runs", "deleted_runs")

    assert [200, 404] == [(await yard.call("POST", f"{path}/restore")).status_code for path in paths]
    assert (await yard.read(runs[0]))["hold_reason"] == "case 12"
