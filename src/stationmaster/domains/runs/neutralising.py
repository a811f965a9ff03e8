"""Taking out of runs everything that says something of a person, for good. Figures and statuses stay as they are.

What goes is what `models` marks as personal, in the run and its step runs, and what the work for it left elsewhere: the
parameters, results, errors, logs and artifacts of its executions, and of the execution of a job that began it. Fields of the
metadata that the process declares and does not mark as personal are kept. Runs that are deleted are neutralised like all
others.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import erasing
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes.metadata_schema import NEUTRALIZED, Schema, neutralize_metadata, read_schema
from stationmaster.domains.runs import process_executor, repository, service
from stationmaster.domains.runs.errors import RunIsAtWork, RunIsHeld
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.identity.actor import Actor

_steps = table_of(StepRun)


async def neutralize_run(session: AsyncSession, id_: UUID, actor: Actor) -> tuple[Run, bool]:
    """Neutralise one run; say whether it was already.

    Raises:
        RunNotFound, Forbidden, RunIsHeld, RunIsAtWork
    """
    run = await service.lock_own_run(session, id_, actor)
    if run.neutralized_at is not None:
        audit.leave_out()
        return run, True
    if run.held_at is not None:
        raise RunIsHeld
    if not await neutralize(session, [run]):
        raise RunIsAtWork
    audit.note(session, "run", run.id, before={"is_neutralized": False}, after={"is_neutralized": True})
    return run, False


async def neutralize(session: AsyncSession, runs: Sequence[Run]) -> list[UUID]:
    """Neutralise runs that are locked; return those that were. Left out is what is held, or being worked on."""
    chosen = await find_able(session, runs)
    begun = await erasing.find_begun(session, _find_beginners(chosen))
    schemas = await _read_schemas(session, chosen)
    now = await database_now(session)
    for run in chosen:
        _neutralize_row(run, schemas[run.process_id])
        run.neutralized_at = now
    await session.flush()
    await _neutralize_step_runs(session, [run.id for run in chosen])
    step_runs = await repository.list_step_run_ids(session, [run.id for run in chosen])
    await erasing.erase(session, [id_ for ids in step_runs.values() for id_ in ids], begun)
    return [run.id for run in chosen]


async def find_able(session: AsyncSession, runs: Sequence[Run]) -> list[Run]:
    """Return those of the runs that can be neutralised now."""
    step_runs = await repository.list_step_run_ids(session, [run.id for run in runs])
    busy = await erasing.find_unready(session, [id_ for ids in step_runs.values() for id_ in ids])
    claimed = _find_beginners(runs)
    begun = await erasing.find_begun(session, claimed)
    waiting = {claimed[id_] for id_, has_ended in begun.items() if not has_ended}
    return [
        run
        for run in runs
        if run.held_at is None
        and run.neutralized_at is None
        and run.id not in waiting
        and not busy.intersection(step_runs.get(run.id, ()))
    ]


def _find_beginners(runs: Sequence[Run]) -> dict[UUID, UUID]:
    """Return the run of each execution that is named as its beginning by the run's key."""
    named = ((process_executor.read_key(run.key), run.id) for run in runs)
    return {execution_id: run_id for execution_id, run_id in named if execution_id is not None}


def _neutralize_row(run: Run, schema: Schema) -> None:
    run.entity_id = f"NEUTRALIZED_{run.id}"
    run.entity_name = run.key = run.hold_reason = None
    run.params = None
    run.meta = neutralize_metadata(schema, run.meta)


async def _read_schemas(session: AsyncSession, runs: Sequence[Run]) -> dict[UUID, Schema]:
    schemas: dict[UUID, Schema] = {}
    for id_ in {run.process_id for run in runs}:
        process = await processes.find_process(session, id_)
        schemas[id_] = read_schema(process.run_metadata_schema if process else {})
    return schemas


async def _neutralize_step_runs(session: AsyncSession, run_ids: Sequence[UUID]) -> None:
    """Empty what was reported of the steps; that a step failed is kept, and why is not."""
    emptied: dict[str, Any] = {
        "meta": {},
        "result": sa.null(),
        "params": sa.null(),
        "item": sa.null(),
        "failure": sa.case(
            (_steps.c.failure.is_not(None), sa.literal({"message": NEUTRALIZED}, _steps.c.failure.type))
        ),
    }
    await session.execute(sa.update(_steps).where(_steps.c.run_id.in_(run_ids)).values(emptied))
