"""Step runs: what is reported of them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.executions import erasing
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import versions
from stationmaster.domains.processes.models import Step
from stationmaster.domains.runs import repository, reruns, service, workflow
from stationmaster.domains.runs.errors import (
    IllegalMove,
    NotCurrent,
    RunIsCancelled,
    RunIsNeutralized,
    RunNotFound,
    StepIsOurs,
    StepRunNotFound,
)
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import ENDED, MOVES, StepStatus
from stationmaster.domains.runs.step_schemas import StepReport
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit.instants import normalise


def step_runs_statement(
    run_id: UUID, *, step_id: UUID | None, statuses: Collection[StepStatus], is_current: bool | None
) -> Any:
    """Return the statement of a list of a run's step runs, in their order, for paging."""
    return repository.step_runs_statement(run_id, step_id=step_id, statuses=statuses, is_current=is_current)


async def get_step_run(session: AsyncSession, id_: UUID) -> StepRun:
    """Return a step run whose run is there for callers.

    Raises:
        StepRunNotFound
    """
    step_run = await repository.find_step_run(session, id_)
    run = await repository.find_run(session, step_run.run_id) if step_run else None
    if step_run is None or run is None or not await repository.is_seen(session, run):
        raise StepRunNotFound(id_)
    return step_run


async def lock_step_run(session: AsyncSession, id_: UUID) -> tuple[Run, StepRun]:
    """Return a step run as it is now, and its run, locked until the transaction ends.

    Raises:
        StepRunNotFound
    """
    found = await repository.find_step_run(session, id_)
    if found is None:
        raise StepRunNotFound(id_)
    try:
        run = await service.lock_run(session, found.run_id)
    except RunNotFound as error:
        raise StepRunNotFound(id_) from error
    return run, await repository.refresh_step_run(session, id_)


async def report(session: AsyncSession, rules: JobRules, id_: UUID, wanted: StepReport, actor: Actor) -> StepRun:
    """Write down how a step is getting on, and what follows for its run.

    Raises:
        StepRunNotFound, NotCurrent, RunIsCancelled, IllegalMove, Invalid
    """
    run, step_run = await lock_step_run(session, id_)
    return await report_locked(session, rules, run, step_run, wanted=wanted, actor=actor)


async def report_locked(
    session: AsyncSession, rules: JobRules, run: Run, step_run: StepRun, *, wanted: StepReport, actor: Actor
) -> StepRun:
    """Do the same for a step run whose run is locked already."""
    if not step_run.is_current:
        raise NotCurrent
    if run.cancelled_at is not None and wanted.status is not None:
        raise RunIsCancelled
    if run.neutralized_at is not None and wanted.has_facts:
        raise RunIsNeutralized
    step = await _find_step(session, run, step_run)
    if wanted.status not in {None, step_run.status}:
        await _refuse_ours(session, step, step_run)
    before = snapshot(step_run)
    has_failed = wanted.status is StepStatus.FAILED is not step_run.status
    apply(step_run, wanted, normalise(await database_now(session)))
    step_run.reported_by = actor.id
    if has_failed:
        await reruns.rerun_by_itself(session, rules, run, step, step_run)
    await workflow.advance(session, rules, run)
    await session.refresh(step_run)
    audit.note(session, "step_run", step_run.id, before=before, after=snapshot(step_run))
    return step_run


async def _find_step(session: AsyncSession, run: Run, step_run: StepRun) -> Step:
    """Return the step as the version of the run has it."""
    version = await versions.get_version_of(session, run.process_id, run.version)
    return next(step for step in versions.steps_of(version) if step.id == step_run.step_id)


async def _refuse_ours(session: AsyncSession, step: Step, step_run: StepRun) -> None:
    if step.approval is not None:
        raise StepIsOurs("somebody decides about it (POST /step-runs/{id}/approve or /reject)")
    if step_run.parent_id is None and (step.work or {}).get("fan_out") and step_run.status is StepStatus.RUNNING:
        raise StepIsOurs("it follows from its items")
    if await erasing.find_busy(session, [step_run.id]):
        raise StepIsOurs("an execution of it is queued or running")


def apply(step_run: StepRun, wanted: StepReport, now: datetime) -> None:
    """Lay a report over a step run.

    Raises:
        IllegalMove, Invalid
    """
    status = step_run.status if wanted.status is None else wanted.status
    if status is not step_run.status and status not in MOVES[step_run.status]:
        raise IllegalMove(step_run.status, status)
    if wanted.failure is not None and status is not StepStatus.FAILED:
        raise Invalid(FieldError("belongs to the status failed", pointer="/failure"))
    if wanted.finished_at is not None and status not in ENDED:
        raise Invalid(FieldError(f"does not belong to the status {status.value}", pointer="/finished_at"))
    _set_times(step_run, status, wanted, now)
    step_run.status = status
    if wanted.meta is not None:
        step_run.meta = step_run.meta | wanted.meta
    if "result" in wanted.model_fields_set:
        step_run.result = wanted.result
    if wanted.failure is not None:
        step_run.failure = wanted.failure


def _set_times(step_run: StepRun, status: StepStatus, wanted: StepReport, now: datetime) -> None:
    """Fill in the times that the status implies; those of a status that is reported again stay, unless they are given."""
    started_at = wanted.started_at or step_run.started_at
    finished_at = wanted.finished_at or step_run.finished_at
    match status:
        case StepStatus.PENDING | StepStatus.OPTIONAL:
            started_at = finished_at = None
        case StepStatus.RUNNING:
            started_at, finished_at = started_at or now, None
        case StepStatus.SUCCESS | StepStatus.FAILED:
            finished_at = finished_at or max(now, started_at or now)
            started_at = started_at or finished_at
        case StepStatus.CANCELLED | StepStatus.SKIPPED:
            finished_at = finished_at or max(now, started_at or now)
    if started_at and finished_at and finished_at < started_at:
        raise Invalid(FieldError("lies before the beginning of the step", pointer="/finished_at"))
    step_run.started_at, step_run.finished_at = started_at, finished_at
