"""Jobs over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs import preview, reading, service, trial
from stationmaster.domains.jobs.action_schemas import (
    TestRunIn,
    TestRunOut,
)
from stationmaster.domains.jobs.listing import JOBS, JobFilters, JobItem
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.schedule_schemas import CronIn, CronOut
from stationmaster.domains.jobs.schemas import JobIn, JobOut, JobPatch
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor, RequireUser
from stationmaster.kit import clock
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.limits import LimitClass, limited_as
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import UNAUDITED, problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.schema import Text
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=Operation)


async def get_rules(request: Request) -> JobRules:
    """Return what the lifespan made for jobs."""
    rules: JobRules = request.app.state.job_rules
    return rules


RulesDep = Annotated[JobRules, Depends(get_rules)]


async def find_category(session: AsyncSession, text: str | None) -> UUID | None:
    """Return the id of the category that a parameter names.

    Raises:
        Invalid: there is none.
    """
    return _require(await taxonomy.find_category_id(session, text), text, "category")


async def find_team(session: AsyncSession, text: str | None) -> UUID | None:
    """Return the id of the team that a parameter names.

    Raises:
        Invalid: there is none.
    """
    return _require(await taxonomy.find_team_id(session, text), text, "team")


def _require(found: UUID | None, text: str | None, parameter: str) -> UUID | None:
    if text is not None and found is None:
        raise Invalid(FieldError(f"there is no {parameter} {text!r}", parameter=parameter))
    return found


JobQueryDep = Annotated[ListQuery, Depends(list_query(JOBS, JobItem, default_sort="-id"))]


@router.get("", summary="List jobs")
async def list_jobs(
    actor: CurrentActor,
    session: ReadSessionDep,
    query: JobQueryDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
    owner_id: Annotated[UUID | None, Query(description="Jobs of this owner.")] = None,
    is_active: Annotated[bool | None, Query(description="Only active, or only inactive ones.")] = None,
    is_paused: Annotated[bool | None, Query(description="Only those that pause now, or only the others.")] = None,
    category: Annotated[Text | None, Query(max_length=255, description="Slug or name of a job category.")] = None,
    team: Annotated[Text | None, Query(max_length=255, description="Slug or name of a team.")] = None,
) -> Page[JobItem]:
    """List jobs, newest first, each with its schedules, its next run and its last execution."""
    filters = JobFilters(
        owner_id=owner_id,
        is_active=is_active,
        is_paused=is_paused,
        category_id=await find_category(session, category),
        team_id=await find_team(session, team),
    )
    plan = query.plan(is_admin=actor.is_admin)
    page: Page[JobItem] = await paginate(
        session,
        plan.narrow(service.list_statement(filters)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: reading.show_items(session, rows, actor, plan.fields),
    )
    return page


@router.post("", status_code=201, summary="Create a job", responses=problems(403, 409))
async def create_job(
    body: JobIn, actor: RequireUser, session: SessionDep, rules: RulesDep, response: Response
) -> JobOut:
    """Create a job: what to do (`target`), when (`cron_expression` and `timezone`, or `schedules`), and its policies.

    Secret headers and the signing secret of a webhook are stored sealed and shown as `********` from then on.
    """
    job = await service.create_job(session, rules, body, actor)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return await reading.show_job(session, job, actor)


@router.post("/validate-cron", summary="Check a cron expression", openapi_extra=UNAUDITED)
async def validate_cron(body: CronIn, _actor: CurrentActor, rules: RulesDep) -> CronOut:
    """Say what an expression means in words, when it would run and which clock changes touch it, or what is wrong.

    A wrong expression is answered with 200 and `valid: false`.
    """
    return preview.validate(body, default_timezone=rules.timezone, now=clock.now())


@router.post("/cron-preview", summary="Preview the runs of a cron expression", openapi_extra=UNAUDITED)
async def preview_cron(body: CronIn, _actor: CurrentActor, rules: RulesDep) -> CronOut:
    """Show the next runs of a right expression, in UTC; a wrong one is refused with 422."""
    return preview.preview(body, default_timezone=rules.timezone, now=clock.now())


@router.post(
    "/test-run",
    summary="Try a target once",
    responses=problems(403),
    openapi_extra=limited_as(LimitClass.EXECUTION),
)
async def run_test(body: TestRunIn, actor: RequireUser, rules: RulesDep) -> TestRunOut:
    """Carry a target out once, with the executor and the guards of a real execution, and store nothing.

    A try that fails is answered with 200 and `ok: false`.
    """
    return await trial.try_target(rules, body, actor)


@router.get("/{job_id}", summary="Read a job", responses=problems(404))
async def get_job(job_id: UUID, actor: CurrentActor, session: ReadSessionDep) -> JobOut:
    """Read one job with its schedules, its next run and its last execution."""
    return await reading.show_job(session, await service.get_job(session, job_id), actor)


@router.patch("/{job_id}", summary="Change a job", responses=problems(403, 404, 409))
async def update_job(
    job_id: UUID, body: JobPatch, actor: RequireUser, session: SessionDep, rules: RulesDep, if_match: IfMatchDep
) -> JobOut:
    """Change a job; what is not given stays. Target, schedules and each policy are replaced whole.

    Executions that are queued or running go on as they were made. Owner or admin.
    """
    await if_match.check(lambda: _show_own(session, job_id, actor))
    job = await service.update_job(session, rules, job_id, body, actor)
    return await reading.show_job(session, job, actor)


@router.delete("/{job_id}", status_code=204, summary="Delete a job", responses=problems(403, 404, 409))
async def delete_job(job_id: UUID, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Delete a job and its schedules. Its executions stay, with its name. Owner or admin."""
    await if_match.check(lambda: _show_own(session, job_id, actor))
    await service.delete_job(session, job_id, actor)


async def _show_own(session: AsyncSession, job_id: UUID, actor: Actor) -> JobOut:
    """Show a job that is about to be changed, locked."""
    return await reading.show_job(session, await service.get_own_job(session, job_id, actor), actor)
