"""Dashboards and searchable fields over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from stationmaster.db.listing import compile_sort
from stationmaster.domains.runs import dashboard, searchable
from stationmaster.domains.runs.dashboard_schemas import DashboardOut, DashboardRunOut, ProcessDashboardOut
from stationmaster.domains.runs.listing import RUNS, Filters, list_statement
from stationmaster.domains.runs.searchable import SearchableFieldsOut
from stationmaster.identity.dependencies import CurrentActor
from stationmaster.kit.sorting import parse_sort
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import LargePage, LargePageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep

router = APIRouter(tags=["runs"], route_class=Operation)

Days = Annotated[int, Query(ge=1, le=366, description="Days of the trend, today included.")]


@router.get("/processes/{process_id}/searchable-fields", summary="List the searchable fields", responses=problems(404))
async def get_searchable_fields(process_id: UUID, _actor: CurrentActor, session: ReadSessionDep) -> SearchableFieldsOut:
    """Show by what the runs of a process can be found.

    Values are never shown of what is marked as personal, or not declared.
    """
    return await searchable.describe_fields(session, await dashboard.get_process(session, process_id))


@router.get(
    "/processes/{process_id}/filter-metadata",
    summary="List the searchable fields, at their old address",
    responses=problems(404),
    deprecated=True,
)
async def get_filter_metadata(process_id: UUID, actor: CurrentActor, session: ReadSessionDep) -> SearchableFieldsOut:
    """As `searchable-fields`, for clients that know the older name."""
    return await get_searchable_fields(process_id, actor, session)


@router.get("/dashboard", summary="Show how all processes are doing")
async def get_dashboard(_actor: CurrentActor, session: ReadSessionDep, days: Days = 30) -> DashboardOut:
    """Show the figures of all runs, of each process, and of each of the last days."""
    return await dashboard.show_overall(session, days=days)


@router.get("/dashboard/processes/{process_id}", summary="Show how a process is doing", responses=problems(404))
async def get_process_dashboard(
    process_id: UUID,
    actor: CurrentActor,
    session: ReadSessionDep,
    params: LargePageParamsDep,
    request: Request,
    response: Response,
    days: Days = 30,
) -> ProcessDashboardOut:
    """Show the figures of a process and of its steps, and its runs, newest first, a page at a time."""
    process = await dashboard.get_process(session, process_id)
    page: LargePage[DashboardRunOut] = await paginate(
        session,
        list_statement(Filters(process_id=process.id)),
        params,
        request=request,
        response=response,
        order=compile_sort(RUNS, parse_sort("-id"), parameter="sort", is_admin=False),
        transform=lambda rows: dashboard.show_runs(session, rows, actor),
    )
    return await dashboard.show_process(session, process, page, days=days)
