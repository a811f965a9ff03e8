"""From a step whose turn has come to an execution in the queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions import specs
from stationmaster.domains.executions.script_use import find_script
from stationmaster.domains.executions.states import Trigger
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.jobs.rules import JobRules, default_on_lost
from stationmaster.domains.processes import step_work
from stationmaster.domains.processes.models import Process, Step
from stationmaster.domains.processes.references import Surroundings
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import StepStatus

UNREADABLE = "The target's secrets were sealed with another key."
NOT_HERE = "Targets of this type are not carried out here any more."


@dataclass(frozen=True)
class Stage:
    """A run that is locked, what it is a run of, and by which rules its steps are dispatched."""

    session: AsyncSession
    rules: JobRules
    process: Process
    run: Run
    now: datetime


async def dispatch(
    stage: Stage,
    step: Step,
    step_run: StepRun,
    params: Mapping[str, Any],
    *,
    trigger: Trigger = Trigger.STEP,
    delay: float = 0,
) -> None:
    """Queue the execution of a step run; one that cannot be made fails the step run."""
    work = step_work.read_work(step)
    rerun = step_work.read_rerun(step) if trigger is Trigger.RERUN else None
    stored = (step.rerun_config or {}).get("target") if rerun else None
    target = step_work.open_target(stage.rules, stored or (step.work or {})["target"], step.id)
    step_run.params = dict(params)
    try:
        chosen = _fit(stage, step, step_run, target)
    except ValueError as error:
        fail(step_run, "target", str(error), stage.now)
        return
    spec = specs.make_spec(
        stage.rules.sealer,
        target=chosen,
        host=stage.rules.host_of(chosen),
        timeout_seconds=(rerun.timeout_seconds if rerun else None) or work.timeout_seconds,
        retry=work.retry,
        on_lost=work.on_lost or default_on_lost(chosen),
        overlap=work.overlap,
        default_key=f"step:{step.id}",
        script=await find_script(stage.session, chosen, stage.process.owner_id),
    )
    available_at = stage.now + timedelta(seconds=delay)
    execution = await executions.dispatch(
        stage.session,
        spec,
        trigger=trigger,
        is_watched=True,
        owner_id=stage.process.owner_id,
        step_run_id=step_run.id,
        params=step_run.params or None,
        available_at=available_at,
        turn_at=available_at,
    )
    step_run.execution_id = execution.id
    step_run.status, step_run.started_at = StepStatus.RUNNING, stage.now


def _fit(stage: Stage, step: Step, step_run: StepRun, target: Target | None) -> Target:
    """Lay the parameters in; a webhook without a body of its own is told whose step it is.

    Raises:
        ValueError: it cannot be carried out.
    """
    if target is None:
        raise ValueError(UNREADABLE)
    if target.type not in stage.rules.executors:
        raise ValueError(NOT_HERE)
    ids = {"run_id": stage.run.id, "step_run_id": step_run.id, "process_id": stage.process.id}
    facts = {name: str(id_) for name, id_ in ids.items()} | {"step": step.name}
    return target.with_metadata(facts).with_params(dict(step_run.params or {}))


def fail(step_run: StepRun, code: str, message: str, now: datetime) -> None:
    """Let a step run fail before anything was done."""
    step_run.status, step_run.finished_at = StepStatus.FAILED, now
    step_run.started_at = step_run.started_at or now
    step_run.failure = {"error_code": code, "message": message}


def surroundings_of(run: Run, step_runs: Mapping[UUID, StepRun], names: Mapping[UUID, str]) -> Surroundings:
    """Return what the references of a run's steps can speak of."""
    return Surroundings(
        run={
            "id": str(run.id),
            "process_id": str(run.process_id),
            "entity_id": run.entity_id,
            "entity_name": run.entity_name,
            "key": run.key,
        },
        params=run.params or {},
        meta=run.meta,
        statuses={names[id_]: step_run.status.value for id_, step_run in step_runs.items()},
        results={names[id_]: step_run.result or {} for id_, step_run in step_runs.items()},
        executions={
            names[id_]: step_run.execution_id
            for id_, step_run in step_runs.items()
            if step_run.execution_id is not None and step_run.status is StepStatus.SUCCESS
        },
    )
