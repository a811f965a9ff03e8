"""Pauses of categories, and of everything, over HTTP."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs import maintenance, reading
from stationmaster.domains.jobs.action_schemas import MaintenanceEndIn, MaintenanceIn
from stationmaster.domains.jobs.models import EVERYTHING, MaintenancePause
from stationmaster.domains.jobs.schemas import MaintenanceOut
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.identity.dependencies import CurrentActor, RequireAdmin
from stationmaster.kit import clock
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=Operation)


@router.get("/pauses", summary="List the pauses of categories and of everything")
async def list_pauses(
    _actor: CurrentActor, session: ReadSessionDep, params: PageParamsDep, request: Request, response: Response
) -> Page[MaintenanceOut]:
    """List the pauses that hold now for whole categories, or for everything; those of single jobs stand with the jobs."""
    page: Page[MaintenanceOut] = await paginate(
        session,
        maintenance.list_statement(clock.now()),
        params,
        request=request,
        response=response,
        transform=lambda pauses: _show_all(session, pauses),
    )
    return page


@router.post("/pause", status_code=201, summary="Pause a category, or everything", responses=problems(403, 409))
async def pause_jobs(
    actor: RequireAdmin, session: SessionDep, body: Annotated[MaintenanceIn | None, Body()] = None
) -> MaintenanceOut:
    """Let the slots of all jobs of a category, or of all jobs, pass without a run, each of them recorded. For admins.

    Requests (`execute`) still run. Pauses of single jobs stand beside it.
    """
    return await _show(session, await maintenance.pause(session, body or MaintenanceIn(), actor))


@router.post("/resume", summary="End the pause of a category, or of everything", responses=problems(403, 409))
async def resume_jobs(
    _actor: RequireAdmin, session: SessionDep, body: Annotated[MaintenanceEndIn | None, Body()] = None
) -> MaintenanceOut:
    """End a pause: slots from now on run again. For admins."""
    return await _show(session, await maintenance.finish(session, body.category if body else None))


async def _show(session: AsyncSession, pause: MaintenancePause) -> MaintenanceOut:
    [shown] = await _show_all(session, [pause])
    return shown


async def _show_all(session: AsyncSession, pauses: Sequence[MaintenancePause]) -> list[MaintenanceOut]:
    slugs = await taxonomy.find_slugs(session, {pause.scope_id for pause in pauses} - {EVERYTHING}, ())
    return [reading.show_maintenance(pause, slugs) for pause in pauses]
