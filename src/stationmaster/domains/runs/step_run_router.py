"""Step runs over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.runs import approvals, reading, reruns, service, step_runs
from stationmaster.domains.runs.schemas import DecisionIn
from stationmaster.domains.runs.status import StepStatus
from stationmaster.domains.runs.step_schemas import StepReport, StepRunOut
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.limits import LimitClass, limited_as
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(tags=["runs"], route_class=Operation)


@router.get("/runs/{run_id}/step-runs", summary="List the step runs of a run", responses=problems(404))
async def list_step_runs(
    run_id: UUID,
    _actor: RequireUser,
    session: ReadSessionDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
    step_id: Annotated[UUID | None, Query(description="Of this step only.")] = None,
    status: Annotated[list[StepStatus] | None, Query(description="Statuses to keep; repeatable.")] = None,
    is_current: Annotated[bool | None, Query(description="Only those that count, or only those run again.")] = None,
) -> Page[StepRunOut]:
    """List the step runs of a run in the order of the steps, each before its reruns."""
    run = await service.get_run(session, run_id)
    page: Page[StepRunOut] = await paginate(
        session,
        step_runs.step_runs_statement(run.id, step_id=step_id, statuses=status or (), is_current=is_current),
        params,
        request=request,
        response=response,
        transform=reading.show_step_runs,
    )
    return page


@router.get("/step-runs/{step_run_id}", summary="Read a step run", responses=problems(404))
async def get_step_run(step_run_id: UUID, _actor: RequireUser, session: ReadSessionDep) -> StepRunOut:
    """Read one step run."""
    return reading.show_step_run(await step_runs.get_step_run(session, step_run_id))


@router.patch("/step-runs/{step_run_id}", summary="Report a step", responses=problems(403, 404, 409))
async def update_step_run(
    step_run_id: UUID,
    body: StepReport,
    actor: RequireUser,
    session: SessionDep,
    rules: RulesDep,
    if_match: IfMatchDep,
) -> StepRunOut:
    """Report how a step is getting on; what is not given stays, and missing times are filled in.

    Only moves that make sense are taken (409 otherwise): what has ended is done again by a rerun. The same status may be
    reported again. The status of the run follows in the same transaction.
    """
    await if_match.check(lambda: _show_locked(session, step_run_id))
    return reading.show_step_run(await step_runs.report(session, rules, step_run_id, body, actor))


@router.post(
    "/step-runs/{step_run_id}/rerun",
    status_code=202,
    summary="Run a step again",
    responses=problems(403, 404, 409),
    openapi_extra=limited_as(LimitClass.EXECUTION),
)
async def rerun_step(
    step_run_id: UUID, actor: RequireUser, session: SessionDep, rules: RulesDep, response: Response
) -> StepRunOut:
    """Run a step again that has failed or was cancelled, as a new step run with the same parameters.

    `original_step_run_id` names the first one. It is carried out as the step's `rerun_config` says; without any target the
    outside system is expected to do it again. Steps that were left out because of the failure wait for their turn again.
    """
    again = await reruns.rerun_by_hand(session, rules, step_run_id, actor)
    response.headers["Location"] = f"/api/v1/step-runs/{again.id}"
    return reading.show_step_run(again)


@router.post("/step-runs/{step_run_id}/approve", summary="Approve a step", responses=problems(403, 404, 409))
async def approve_step(
    step_run_id: UUID,
    actor: RequireUser,
    session: SessionDep,
    rules: RulesDep,
    body: Annotated[DecisionIn | None, Body()] = None,
) -> StepRunOut:
    """Agree to go on. For the step's approvers, the owner of the process and administrators."""
    comment = body.comment if body else None
    return reading.show_step_run(
        await approvals.decide(session, rules, step_run_id, actor, is_approved=True, comment=comment)
    )


@router.post("/step-runs/{step_run_id}/reject", summary="Reject a step", responses=problems(403, 404, 409))
async def reject_step(
    step_run_id: UUID,
    actor: RequireUser,
    session: SessionDep,
    rules: RulesDep,
    body: Annotated[DecisionIn | None, Body()] = None,
) -> StepRunOut:
    """Refuse to go on: the step fails. For the step's approvers, the owner of the process and administrators."""
    comment = body.comment if body else None
    return reading.show_step_run(
        await approvals.decide(session, rules, step_run_id, actor, is_approved=False, comment=comment)
    )


async def _show_locked(session: AsyncSession, step_run_id: UUID) -> StepRunOut:
    """Show a step run that is about to be changed, its run locked."""
    _, step_run = await step_runs.lock_step_run(session, step_run_id)
    return reading.show_step_run(step_run)
