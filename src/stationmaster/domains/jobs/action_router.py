"""What is done with one job, over HTTP: pausing, executing, filling the past."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Response

from stationmaster.domains.executions.reading import show_execution
from stationmaster.domains.executions.schemas import ExecutionOut
from stationmaster.domains.jobs import backfill, executing, pausing, reading
from stationmaster.domains.jobs.action_schemas import BackfillIn, BackfillOut, ExecuteIn, PauseIn, ResumeIn
from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.jobs.schemas import JobOut
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.limits import LimitClass, limited_as
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import SessionDep

router = APIRouter(prefix="/jobs/{job_id}", tags=["jobs"], route_class=Operation)


@router.post("/pause", summary="Pause a job", responses=problems(403, 404, 409))
async def pause_job(
    job_id: UUID,
    actor: RequireUser,
    session: SessionDep,
    body: Annotated[PauseIn | None, Body()] = None,
) -> JobOut:
    """Let the slots of a job pass without a run, until it is resumed or `until` comes.

    The slots of the pause are recorded as skipped, as one range. Owner or admin.
    """
    job = await pausing.pause_job(session, job_id, body or PauseIn(), actor)
    return await reading.show_job(session, job, actor)


@router.post("/resume", summary="Resume a job", responses=problems(403, 404, 409))
async def resume_job(
    job_id: UUID, actor: RequireUser, session: SessionDep, body: Annotated[ResumeIn | None, Body()] = None
) -> JobOut:
    """End a pause: slots from now on run again, or from `from` on. Owner or admin.

    An instant within the pause takes its slots from then on up again, as if they had been missed; the job's misfire policy
    says which of them run.
    """
    job = await pausing.resume_job(session, job_id, body or ResumeIn(), actor)
    return await reading.show_job(session, job, actor)


@router.post(
    "/execute",
    status_code=202,
    summary="Execute a job now",
    responses=problems(403, 404),
    openapi_extra=limited_as(LimitClass.EXECUTION),
)
async def execute_job(
    job_id: UUID,
    actor: RequireUser,
    session: SessionDep,
    rules: RulesDep,
    response: Response,
    body: Annotated[ExecuteIn | None, Body()] = None,
) -> ExecutionOut:
    """Queue one execution now, also of a job that is paused or not active, optionally with differences.

    The overlap policy holds here too: the answer may be an execution that is skipped already. Owner or admin.
    """
    execution = await executing.execute_job(session, rules, job_id, body or ExecuteIn(), actor)
    response.headers["Location"] = f"/api/v1/executions/{execution.id}"
    return await show_execution(session, execution, actor)


@router.post(
    "/backfill",
    status_code=202,
    summary="Run slots of the past",
    responses=problems(403, 404, 409),
    openapi_extra=limited_as(LimitClass.EXECUTION),
)
async def backfill_job(
    job_id: UUID, body: BackfillIn, actor: RequireUser, session: SessionDep, rules: RulesDep
) -> BackfillOut:
    """Queue an execution for each slot from `from` to `to` that never ran, or that failed, or for all; up to 1000.

    They run one after the other, and beside nothing that the job's overlap policy forbids. What was recorded of the slots
    stays. With `dry_run` nothing is made, and the answer tells what would be. Owner or admin.
    """
    return await backfill.fill(session, rules, job_id, body, actor)
