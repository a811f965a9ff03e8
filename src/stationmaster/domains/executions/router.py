"""The record of work over HTTP."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from stationmaster.domains.executions import reading, service, statistics
from stationmaster.domains.executions.detail_schemas import ExecutionDetail
from stationmaster.domains.executions.listing import EXECUTIONS, ExecutionItem, default_sort
from stationmaster.domains.executions.repository import Filters
from stationmaster.domains.executions.schemas import AttemptOut, ExecutionOut, FiguresOut
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.identity.dependencies import CurrentActor, RequireUser
from stationmaster.web.limits import LimitClass, limited_as
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, Page, PageParamsDep, cut_page, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep
from stationmaster.web.time_range import TimeRangeDep

router = APIRouter(prefix="/executions", tags=["executions"], route_class=Operation)


async def read_filters(
    span: TimeRangeDep,
    status: Annotated[list[State] | None, Query(description="States to keep; repeatable.")] = None,
    trigger: Annotated[Trigger | None, Query(description="What made them.")] = None,
    type: Annotated[str | None, Query(max_length=32, description="Kind of target.")] = None,  # noqa: A002  # the API's word
) -> Filters:
    """Read what a list of executions is narrowed to."""
    return Filters(states=tuple(status or ()), trigger=trigger, kind=type, start=span.start, end=span.end)


FiltersDep = Annotated[Filters, Depends(read_filters)]


async def read_all_filters(
    filters: FiltersDep,
    actor: CurrentActor,
    job_id: Annotated[UUID | None, Query(description="Executions of this job.")] = None,
    script_id: Annotated[UUID | None, Query(description="Executions that run this script.")] = None,
) -> Filters:
    """Read also of which job and script, and keep to what the caller sees."""
    return replace(filters, job_id=job_id, script_id=script_id, viewer=actor)


AllFiltersDep = Annotated[Filters, Depends(read_all_filters)]


ExecutionQueryDep = Annotated[ListQuery, Depends(list_query(EXECUTIONS, ExecutionItem, default_sort="-id"))]


@router.get("", summary="List executions")
async def list_executions(
    actor: CurrentActor,
    session: ReadSessionDep,
    filters: AllFiltersDep,
    query: ExecutionQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
) -> LargePage[ExecutionItem] | CursorPage[ExecutionItem]:
    """List executions, newest first. `from` and `to` narrow by the time they were queued."""
    plan = query.plan(is_admin=actor.is_admin, default_sort=default_sort(filters))
    page: LargePage[ExecutionItem] | CursorPage[ExecutionItem] = await paginate(
        session,
        plan.narrow(service.list_statement(filters)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: reading.show_items(session, rows, actor, plan.fields),
    )
    return page


@router.get("/statistics", summary="Count executions")
async def get_execution_statistics(session: ReadSessionDep, filters: AllFiltersDep) -> FiguresOut:
    """Count executions by state, with percentiles of duration and lateness and a trend by day; filters as for the list."""
    return await statistics.read_figures(session, filters)


@router.get("/{execution_id}", summary="Read an execution", responses=problems(404))
async def get_execution(execution_id: UUID, actor: CurrentActor, session: ReadSessionDep) -> ExecutionDetail:
    """Read one execution, with the work that it began elsewhere.

    What the target answered (`result`) and the external tasks are for its owner, the owner of its script and admins. A run
    of a script that somebody asked for, outside jobs and processes, is there for these only.
    """
    return await reading.show_detail(session, await service.get_seen(session, execution_id, actor), actor)


@router.get("/{execution_id}/attempts", summary="List the attempts of an execution", responses=problems(404))
async def list_execution_attempts(
    execution_id: UUID,
    actor: CurrentActor,
    session: ReadSessionDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> Page[AttemptOut]:
    """List the attempts of an execution, oldest first, the one under way included."""
    attempts = await service.list_attempts(session, await service.get_seen(session, execution_id, actor))
    return cut_page(attempts, params, request=request, response=response)


@router.post(
    "/{execution_id}/cancel", status_code=202, summary="Cancel an execution", responses=problems(403, 404, 409)
)
async def cancel_execution(execution_id: UUID, actor: RequireUser, session: SessionDep) -> ExecutionOut:
    """Cancel an execution: one that is queued ends at once, one that is running is stopped within a second.

    The owner of the job and admins may do this. One that has ended already is a conflict.
    """
    return await reading.show_execution(session, await service.cancel(session, execution_id, actor), actor)


@router.post(
    "/{execution_id}/retry",
    status_code=202,
    summary="Retry an execution",
    responses=problems(403, 404, 409),
    openapi_extra=limited_as(LimitClass.EXECUTION),
)
async def retry_execution(
    execution_id: UUID, actor: RequireUser, session: SessionDep, response: Response
) -> ExecutionOut:
    """Queue a new execution that does what this ended one did, with the target and policies of that time.

    `retry_of` names the former one. The owner of the job and admins may do this.
    """
    execution = await service.retry(session, execution_id, actor)
    response.headers["Location"] = f"/api/v1/executions/{execution.id}"
    return await reading.show_execution(session, execution, actor)
