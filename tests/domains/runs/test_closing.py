"""What deleting a process stops, and what begins when it is restored."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs import closing
from stationmaster.kit import clock
from tests.support.tracking import HOOK, Yard, statuses, step_run

OURS = [{"name": "a", "target": HOOK}, {"name": "b", "target": HOOK}]


async def set_state(yard: Yard, run: dict[str, Any], state: State, **facts: Any) -> None:
    """Let the execution of the first step stand there, as the engine would."""
    async with unit_of_work(yard.database) as session:
        mine = col(Execution.id) == UUID(step_run(run, "a")["execution_id"])
        await session.execute(sa.update(Execution).where(mine).values(state=state, **facts))


async def read_execution(yard: Yard, run: dict[str, Any]) -> Execution:
    async with read_only(yard.database) as session:
        return await session.get_one(Execution, UUID(step_run(run, "a")["execution_id"]))


async def test_deleting_a_process_stops_the_work_for_its_runs(yard: Yard) -> None:
    process, other = await yard.make_process(*OURS), await yard.begin(await yard.make_process(*OURS))
    queued, running = await yard.begin(process), await yard.begin(process)
    await set_state(yard, running, State.RUNNING, started_at=clock.now())

    await yard.ask("DELETE", f"/processes/{process['id']}")

    assert State.CANCELLED is (await read_execution(yard, queued)).state
    assert (await read_execution(yard, running)).cancel_requested_at is not None
    assert State.QUEUED is (await read_execution(yard, other)).state
    await yard.follow()
    await yard.ask("POST", f"/processes/{process['id']}/restore")
    assert {"run": "cancelled", "a": "cancelled", "b": "skipped"} == statuses(await yard.read(queued))
    await yard.ask("POST", f"/runs/{running['id']}/cancel")


async def test_restoring_a_process_begins_what_is_due(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some at once and the others by a duty; nothing of a run that was deleted or cancelled before."""
    monkeypatch.setattr(closing, "BATCH", 2)
    process = await yard.make_process(*OURS)
    runs = [await yard.begin(process) for _ in range(5)]
    for run in runs:
        await set_state(yard, run, State.RUNNING, started_at=clock.now())
    await yard.ask("POST", f"/runs/{runs[0]['id']}/cancel")
    await yard.ask("DELETE", f"/processes/{process['id']}")
    for run in runs:  # they ended well before they could be stopped
        await set_state(yard, run, State.SUCCEEDED, finished_at=clock.now())
    await yard.follow()

    await yard.ask("POST", f"/processes/{process['id']}/restore")
    first = [statuses(await yard.read(run))["b"] for run in runs]
    async with unit_of_work(yard.database) as session:
        taken = [await closing.take_on(session, yard.app.state.job_rules) for _ in range(3)]

    assert ["pending", "running", "running", "pending", "pending"] == first
    assert [2, 0, 0] == taken
    assert ["pending"] + ["running"] * 4 == [statuses(await yard.read(run))["b"] for run in runs]
    async with read_only(yard.database) as session:
        assert (await session.get_one(Process, UUID(process["id"]))).reopening_after is None


async def test_a_step_that_fails_in_a_deleted_process_is_not_done_again(yard: Yard) -> None:
    again = {"is_rerunnable": True, "rerun_config": {"max_retries": 3, "retry_delays": [0]}}
    process = await yard.make_process({"name": "a", "target": HOOK} | again)
    run = await yard.begin(process)
    await set_state(yard, run, State.RUNNING, started_at=clock.now())
    await yard.ask("DELETE", f"/processes/{process['id']}")

    await set_state(yard, run, State.FAILED, finished_at=clock.now(), error="no")
    await yard.follow()

    await yard.ask("POST", f"/processes/{process['id']}/restore")
    assert {"run": "failed", "a": "failed"} == statuses(await yard.read(run))
