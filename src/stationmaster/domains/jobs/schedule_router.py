"""The timetable of a job over HTTP: its schedules, and what became of their slots."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions import statistics
from stationmaster.domains.executions.listing import ExecutionItem
from stationmaster.domains.executions.reading import show_items
from stationmaster.domains.executions.router import ExecutionQueryDep, FiltersDep
from stationmaster.domains.jobs import cadence, reading, schedules, service, why
from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.jobs.schedule_schemas import ScheduleIn, ScheduleOut, SchedulePatch, WhyOut
from stationmaster.domains.jobs.schemas import JobFiguresOut
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor, RequireUser
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, Page, PageParamsDep, paginate
from stationmaster.web.schema import Instant
from stationmaster.web.session import ReadSessionDep, SessionDep
from stationmaster.web.time_range import TimeRangeDep

router = APIRouter(prefix="/jobs/{job_id}", tags=["jobs"], route_class=Operation)


@router.get("/schedules", summary="List the schedules of a job", responses=problems(404))
async def list_schedules(
    job_id: UUID,
    _actor: CurrentActor,
    session: ReadSessionDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> Page[ScheduleOut]:
    """List the schedules of a job in the order they were made, each with its meaning in words and its next slot."""
    await service.get_job(session, job_id)
    page: Page[ScheduleOut] = await paginate(
        session,
        schedules.list_statement(job_id),
        params,
        request=request,
        response=response,
        transform=lambda rows: [reading.show_schedule(row) for row in rows],
    )
    return page


@router.post("/schedules", status_code=201, summary="Add a schedule to a job", responses=problems(403, 404, 409))
async def create_schedule(
    job_id: UUID, body: ScheduleIn, actor: RequireUser, session: SessionDep, rules: RulesDep, response: Response
) -> ScheduleOut:
    """Add a schedule: exactly one of a cron expression, an interval in seconds and one instant. Owner or admin."""
    job = await service.get_own_job(session, job_id, actor)
    schedule = await schedules.add_schedule(session, rules, job, body)
    response.headers["Location"] = f"/api/v1/jobs/{job_id}/schedules/{schedule.id}"
    return reading.show_schedule(schedule)


@router.get("/schedules/{schedule_id}", summary="Read a schedule", responses=problems(404))
async def get_schedule(job_id: UUID, schedule_id: UUID, _actor: CurrentActor, session: ReadSessionDep) -> ScheduleOut:
    """Read one schedule of a job, with its meaning in words and its next slot."""
    job = await service.get_job(session, job_id)
    return reading.show_schedule(await schedules.get_schedule(session, job, schedule_id, for_update=False))


@router.patch("/schedules/{schedule_id}", summary="Change a schedule", responses=problems(403, 404))
async def update_schedule(
    job_id: UUID,
    schedule_id: UUID,
    body: SchedulePatch,
    actor: RequireUser,
    session: SessionDep,
    rules: RulesDep,
    if_match: IfMatchDep,
) -> ScheduleOut:
    """Change a schedule; what is not given stays. Slots that were decided already stay as they are. Owner or admin."""
    await if_match.check(lambda: _show_own(session, job_id, schedule_id, actor))
    job = await service.get_own_job(session, job_id, actor)
    return reading.show_schedule(await schedules.change_schedule(session, rules, job, schedule_id, body))


@router.delete("/schedules/{schedule_id}", status_code=204, summary="Delete a schedule", responses=problems(403, 404))
async def delete_schedule(
    job_id: UUID,
    schedule_id: UUID,
    actor: RequireUser,
    session: SessionDep,
    rules: RulesDep,
    if_match: IfMatchDep,
) -> None:
    """Delete a schedule; the ledger keeps its decided slots. Owner or admin."""
    await if_match.check(lambda: _show_own(session, job_id, schedule_id, actor))
    await schedules.remove_schedule(session, rules, await service.get_own_job(session, job_id, actor), schedule_id)


@router.get("/executions", summary="List the executions of a job", responses=problems(404))
async def list_job_executions(
    job_id: UUID,
    actor: CurrentActor,
    session: ReadSessionDep,
    filters: FiltersDep,
    query: ExecutionQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
) -> LargePage[ExecutionItem] | CursorPage[ExecutionItem]:
    """List the executions of a job, newest first. `from` and `to` narrow by the time they were queued."""
    await service.get_job(session, job_id)
    plan = query.plan(is_admin=actor.is_admin)
    page: LargePage[ExecutionItem] | CursorPage[ExecutionItem] = await paginate(
        session,
        plan.narrow(executions.list_statement(replace(filters, job_id=job_id))),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: show_items(session, rows, actor, plan.fields),
    )
    return page


@router.get("/executions/stats", summary="Count the executions of a job", responses=problems(404))
async def get_job_statistics(
    job_id: UUID, _actor: CurrentActor, session: ReadSessionDep, filters: FiltersDep
) -> JobFiguresOut:
    """Count the executions of a job by state, with percentiles of duration and lateness and a trend by day.

    `cadence` warns when runs take longer than the time to the next slot.
    """
    job = await service.get_job(session, job_id)
    figures = await statistics.read_figures(session, replace(filters, job_id=job_id))
    return JobFiguresOut(**figures.model_dump(), cadence=await cadence.judge(session, job, figures))


@router.get("/slots", summary="Read the ledger of planned slots", responses=problems(404))
async def list_slots(
    job_id: UUID,
    actor: CurrentActor,
    session: ReadSessionDep,
    span: TimeRangeDep,
    query: ExecutionQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
) -> LargePage[ExecutionItem] | CursorPage[ExecutionItem]:
    """List every planned slot that was decided, newest first: those that ran, and those that did not, with the reason.

    A record with a `slot_count` above one stands for a range, from `scheduled_for` to `slot_until`.
    `from` and `to` narrow by the slots' own time.
    """
    await service.get_job(session, job_id)
    plan = query.plan(is_admin=actor.is_admin)
    page: LargePage[ExecutionItem] | CursorPage[ExecutionItem] = await paginate(
        session,
        plan.narrow(executions.ledger_statement(job_id, span.start, span.end)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: show_items(session, rows, actor, plan.fields),
    )
    return page


@router.get("/why", summary="Ask why a job ran, or did not", responses=problems(404))
async def explain_slot(
    job_id: UUID,
    actor: CurrentActor,
    session: ReadSessionDep,
    at: Annotated[Instant, Query(description="The instant asked about.", examples=["2026-11-21T01:30:00Z"])],
) -> WhyOut:
    """Tell what became of the slot at an instant, or why there is none, in words."""
    return await why.explain(session, await service.get_job(session, job_id), at, actor)


async def _show_own(session: AsyncSession, job_id: UUID, schedule_id: UUID, actor: Actor) -> ScheduleOut:
    """Show a schedule that is about to be changed, locked."""
    job = await service.get_own_job(session, job_id, actor)
    return reading.show_schedule(await schedules.get_schedule(session, job, schedule_id))
