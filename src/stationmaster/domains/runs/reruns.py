"""Doing a step again: a new step run takes the place of the one that failed, and gets the same parameters.

By hand, or by itself when the step's `rerun_config` has delays or conditions. The run is locked, so of two that ask at once
the second finds that the step run is not current any more, and no limit is passed.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.executions.states import Trigger
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes import step_work, versions
from stationmaster.domains.processes.graph import ancestors, dependencies
from stationmaster.domains.processes.models import Step
from stationmaster.domains.runs import repository, service, workflow
from stationmaster.domains.runs.dispatching import Stage, dispatch
from stationmaster.domains.runs.errors import (
    NotCurrent,
    NotRerunnable,
    RunIsCancelled,
    RunIsNeutralized,
    StepRunNotFound,
)
from stationmaster.domains.runs.inputs import NO_INPUT
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import SkipReason, StepStatus
from stationmaster.identity.actor import Actor
from stationmaster.kit.instants import normalise

AGAIN = frozenset({StepStatus.FAILED, StepStatus.CANCELLED})


async def rerun_by_hand(session: AsyncSession, rules: JobRules, id_: UUID, actor: Actor) -> StepRun:
    """Do a step again that has failed or was cancelled.

    Raises:
        StepRunNotFound, NotCurrent, RunIsCancelled, RunIsNeutralized, NotRerunnable
    """
    found = await repository.find_step_run(session, id_)
    runs = await repository.lock_runs(session, [found.run_id]) if found else []
    if not runs or not await repository.is_seen(session, runs[0]):
        raise StepRunNotFound(id_)
    step_run = await repository.refresh_step_run(session, id_)
    _refuse(runs[0], step_run)
    steps = await _list_steps(session, runs[0])
    again = await _rerun_checked(session, rules, runs[0], steps, step_run)
    again.reported_by = actor.id
    await workflow.advance(session, rules, runs[0])
    await session.refresh(again)
    audit.note(session, "step_run", again.id, after=snapshot(again))
    return again


def _refuse(run: Run, step_run: StepRun) -> None:
    if not step_run.is_current:
        raise NotCurrent
    if run.cancelled_at is not None:
        raise RunIsCancelled
    if run.neutralized_at is not None:
        raise RunIsNeutralized


async def _list_steps(session: AsyncSession, run: Run) -> list[Step]:
    return versions.steps_of(await versions.get_version_of(session, run.process_id, run.version))


async def _rerun_checked(
    session: AsyncSession, rules: JobRules, run: Run, steps: Sequence[Step], step_run: StepRun
) -> StepRun:
    step = next(step for step in steps if step.id == step_run.step_id)
    if step_run.status not in AGAIN:
        raise NotRerunnable(f"it is {step_run.status.value}, and only what has failed or was cancelled is done again")
    if not step.is_rerunnable:
        raise NotRerunnable("the step is not rerunnable")
    config = step_work.read_rerun(step)
    number = (step_run.rerun_number or 0) + 1
    if number > config.max_retries:
        raise NotRerunnable(f"it has been done again {config.max_retries} times, which is the most")
    return await _rerun(session, rules, run, steps, step_run, delay=0)


async def rerun_failed(session: AsyncSession, rules: JobRules, id_: UUID, actor: Actor) -> Run:
    """Do all steps of a run again that have failed or were cancelled, and of lists only those items.

    Raises:
        RunNotFound, RunIsCancelled, RunIsNeutralized, NotRerunnable
    """
    run = await service.lock_run(session, id_)
    steps = await _list_steps(session, run)
    chosen = await _list_failed(session, run)
    if not chosen:
        raise NotRerunnable("no step of the run has failed or was cancelled")
    for step_run in chosen:
        _refuse(run, step_run)
        again = await _rerun_checked(session, rules, run, steps, step_run)
        again.reported_by = actor.id
    await workflow.advance(session, rules, run)
    audit.note(session, "run", run.id, after={"run_again": [step_run.id for step_run in chosen]})
    return run


async def _list_failed(session: AsyncSession, run: Run) -> list[StepRun]:
    found: list[StepRun] = []
    for step_run in await repository.list_current(session, run.id):
        if step_run.status in AGAIN:
            children = await repository.list_children(session, step_run.id)
            found += [child for child in children if child.status in AGAIN] or [step_run]
    return found


async def rerun_by_itself(session: AsyncSession, rules: JobRules, run: Run, step: Step, step_run: StepRun) -> bool:
    """Do a step again that has just failed, if its `rerun_config` says so; the caller advances the run."""
    config = step_work.read_rerun(step)
    number = (step_run.rerun_number or 0) + 1
    code = (step_run.failure or {}).get("error_code")
    is_closed = run.cancelled_at is not None or run.neutralized_at is not None
    if is_closed or not await repository.is_seen(session, run):
        return False
    if not step.is_rerunnable or number > config.max_retries or not config.covers(code):
        return False
    delay = config.delay_before(number)
    await _rerun(session, rules, run, await _list_steps(session, run), step_run, delay=delay)
    return True


async def _rerun(
    session: AsyncSession, rules: JobRules, run: Run, steps: Sequence[Step], step_run: StepRun, *, delay: float
) -> StepRun:
    """Put a new step run in the place of one that has ended."""
    step = next(step for step in steps if step.id == step_run.step_id)
    step_run.is_current = False
    await session.flush()
    again = _copy(step_run)
    session.add(again)
    await session.flush()
    process = await processes.find_process(session, run.process_id)
    assert process is not None, "a process is purged after its runs"
    config = step_work.read_rerun(step)
    is_spread = step_run.parent_id is None and bool((step.work or {}).get("fan_out"))
    # What it takes may be there by then: it waits for its turn again.
    had_no_input = step_run.execution_id is None and (step_run.failure or {}).get("error_code") == NO_INPUT
    if (config.target or step.work) and not is_spread and not had_no_input:
        stage = Stage(session, rules, process, run, normalise(await database_now(session)))
        await dispatch(stage, step, again, step_run.params or {}, trigger=Trigger.RERUN, delay=delay)
    await _open_again(session, run, steps, again)
    return again


def _copy(step_run: StepRun) -> StepRun:
    return StepRun(
        run_id=step_run.run_id,
        step_id=step_run.step_id,
        index=step_run.index,
        name=step_run.name,
        is_optional=step_run.is_optional,
        parent_id=step_run.parent_id,
        item=step_run.item,
        item_index=step_run.item_index,
        original_step_run_id=step_run.original_step_run_id or step_run.id,
        rerun_number=(step_run.rerun_number or 0) + 1,
        params=step_run.params,
        meta={},
    )


async def _open_again(session: AsyncSession, run: Run, steps: Sequence[Step], again: StepRun) -> None:
    """Let the steps wait again that were left out because of the failure, and the list whose item is done again."""
    if again.parent_id is not None:
        parent = await repository.refresh_step_run(session, again.parent_id)
        parent.status, parent.finished_at, parent.failure, parent.result = StepStatus.RUNNING, None, None, None
        for child in await repository.list_children(session, parent.id):
            if child.reason is SkipReason.ENOUGH_FAILED:
                _wait_again(child)
    waits_for = dependencies(steps)
    for step_run in await repository.list_current(session, run.id):
        if step_run.reason is SkipReason.DEPENDENCY and again.step_id in ancestors(waits_for, step_run.step_id):
            _wait_again(step_run)
    await session.flush()


def _wait_again(step_run: StepRun) -> None:
    step_run.status, step_run.reason, step_run.finished_at = StepStatus.PENDING, None, None
