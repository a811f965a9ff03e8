"""Steps that wait for somebody's decision: approve, reject, or what was agreed for when the time is up."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes import versions
from stationmaster.domains.processes.work_schemas import Approval
from stationmaster.domains.runs import repository, workflow
from stationmaster.domains.runs.errors import NotCurrent, NothingToDecide, RunIsCancelled, StepRunNotFound
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import StepStatus
from stationmaster.errors import Forbidden
from stationmaster.identity.actor import Actor

BATCH = 100


async def decide(
    session: AsyncSession, rules: JobRules, id_: UUID, actor: Actor, *, is_approved: bool, comment: str | None
) -> StepRun:
    """Write somebody's decision into a step run that waits for it.

    Raises:
        StepRunNotFound, Forbidden, NotCurrent, RunIsCancelled, NothingToDecide
    """
    found = await repository.find_step_run(session, id_)
    runs = await repository.lock_runs(session, [found.run_id]) if found else []
    if not runs or not await repository.is_seen(session, runs[0]):
        raise StepRunNotFound(id_)
    step_run = await repository.refresh_step_run(session, id_)
    approval = await _find_approval(session, runs[0], step_run)
    await _require_approver(session, runs[0], approval, actor)
    if not step_run.is_current:
        raise NotCurrent
    if runs[0].cancelled_at is not None:
        raise RunIsCancelled
    if approval is None or step_run.status is not StepStatus.RUNNING:
        raise NothingToDecide
    before = snapshot(step_run)
    step_run.reported_by = actor.id
    await _end(session, step_run, is_approved=is_approved, facts={"by": str(actor.user_id), "comment": comment})
    await workflow.advance(session, rules, runs[0])
    await session.refresh(step_run)
    audit.note(session, "step_run", step_run.id, before=before, after=snapshot(step_run))
    return step_run


async def _find_approval(session: AsyncSession, run: Run, step_run: StepRun) -> Approval | None:
    version = await versions.get_version_of(session, run.process_id, run.version)
    stored = next(step.approval for step in versions.steps_of(version) if step.id == step_run.step_id)
    return None if stored is None else Approval.model_validate(stored)


async def _require_approver(session: AsyncSession, run: Run, approval: Approval | None, actor: Actor) -> None:
    process = await processes.get_process(session, run.process_id)
    if approval is not None and actor.user_id in approval.approvers:
        return
    if not actor.may_change(process.owner_id):
        raise Forbidden("Only the approvers of the step, the owner of the process and admins may decide this.")


async def _end(session: AsyncSession, step_run: StepRun, *, is_approved: bool, facts: dict[str, Any]) -> None:
    step_run.finished_at = max(await database_now(session), step_run.started_at or step_run.created_at)
    step_run.deadline_at = None
    if is_approved:
        step_run.status, step_run.result = StepStatus.SUCCESS, {"approved": True} | facts
    else:
        step_run.status = StepStatus.FAILED
        step_run.failure = {"error_code": "rejected", "message": facts.get("comment")} | facts


async def decide_overdue(session: AsyncSession, rules: JobRules) -> int:
    """Decide, as was agreed, about step runs whose time is up; return how many there were."""
    now = await database_now(session)
    ids = await repository.list_overdue(session, now, limit=BATCH)
    runs = await repository.lock_runs(session, await repository.find_runs_of(session, ids))
    by_id = {run.id: run for run in runs}
    for id_ in ids:
        step_run = await repository.refresh_step_run(session, id_)
        await _decide_overdue(session, by_id[step_run.run_id], step_run)
    for run in runs:
        await workflow.advance(session, rules, run)
    return len(ids)


async def _decide_overdue(session: AsyncSession, run: Run, step_run: StepRun) -> None:
    approval = await _find_approval(session, run, step_run)
    is_open = step_run.is_current and step_run.status is StepStatus.RUNNING and run.cancelled_at is None
    if approval is None or not is_open or step_run.deadline_at is None:
        step_run.deadline_at = None  # decided, or cancelled, meanwhile
        return
    await _end(
        session, step_run, is_approved=approval.default == "approve", facts={"by": None, "comment": "Time is up."}
    )
