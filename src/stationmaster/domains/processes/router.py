"""Processes over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.processes import reading, service
from stationmaster.domains.processes.listing import PROCESSES, ProcessItem
from stationmaster.domains.processes.schemas import ProcessIn, ProcessOut, ProcessPatch, ProcessVersionOut, RetentionIn
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor, RequireAdmin, RequireUser
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/processes", tags=["processes"], route_class=Operation)

ProcessQueryDep = Annotated[ListQuery, Depends(list_query(PROCESSES, ProcessItem, default_sort="-id"))]


@router.get("", summary="List processes")
async def list_processes(
    actor: CurrentActor,
    session: ReadSessionDep,
    query: ProcessQueryDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
    owner_id: Annotated[UUID | None, Query(description="Processes of this owner.")] = None,
    name: Annotated[str | None, Query(max_length=255, description="The process of exactly this name.")] = None,
    deleted: Annotated[bool, Query(description="The deleted ones instead.")] = False,
) -> Page[ProcessItem]:
    """List processes, newest first, each with its steps."""
    plan = query.plan(is_admin=actor.is_admin)
    page: Page[ProcessItem] = await paginate(
        session,
        plan.narrow(service.list_statement(owner_id=owner_id, name=name, is_deleted=deleted)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: reading.show_items(session, rows, actor, plan.fields),
    )
    return page


@router.post("", status_code=201, summary="Create a process", responses=problems(403, 409))
async def create_process(
    body: ProcessIn, actor: RequireUser, session: SessionDep, rules: RulesDep, response: Response
) -> ProcessOut:
    """Create a process, with its steps or without.

    Mark what says something of a person in `run_metadata_schema`: `{"citizen": {"type": "string", "personal": true}}`.
    """
    process = await service.create_process(session, rules, body, actor)
    response.headers["Location"] = f"/api/v1/processes/{process.id}"
    return await reading.show_process(session, process)


@router.get("/{process_id}", summary="Read a process", responses=problems(404))
async def get_process(process_id: UUID, _actor: CurrentActor, session: ReadSessionDep) -> ProcessOut:
    """Read one process with its steps."""
    return await reading.show_process(session, await service.get_process(session, process_id))


@router.patch("/{process_id}", summary="Change a process", responses=problems(403, 404, 409))
async def update_process(
    process_id: UUID, body: ProcessPatch, actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> ProcessOut:
    """Change a process; what is not given stays. Owner or admin.

    The metadata schema is replaced whole, and its marks hold for the runs that are there, too.
    """
    await if_match.check(lambda: _show_own(session, process_id, actor))
    process = await service.update_process(session, process_id, body, actor)
    return await reading.show_process(session, process)


@router.put("/{process_id}/retention", summary="Set how long runs are kept", responses=problems(403, 404))
async def put_retention(
    process_id: UUID, body: RetentionIn, actor: RequireAdmin, session: SessionDep, if_match: IfMatchDep
) -> ProcessOut:
    """Set after how many calendar months a run is neutralised; `null` keeps it for ever.

    It holds for the runs that are there, too.
    """
    await if_match.check(lambda: _show_own(session, process_id, actor))
    patch = ProcessPatch(retention_months=body.retention_months)
    return await reading.show_process(session, await service.update_process(session, process_id, patch, actor))


@router.get("/{process_id}/versions", summary="List the versions of a process", responses=problems(404))
async def list_process_versions(
    process_id: UUID,
    _actor: CurrentActor,
    session: ReadSessionDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> Page[ProcessVersionOut]:
    """List what the steps of a process were, newest first. A run names the version it began with."""
    process = await service.get_process(session, process_id)
    page: Page[ProcessVersionOut] = await paginate(
        session,
        service.versions_statement(process.id),
        params,
        request=request,
        response=response,
        transform=lambda rows: [reading.show_version(version) for version in rows],
    )
    return page


async def _show_own(session: AsyncSession, process_id: UUID, actor: Actor) -> ProcessOut:
    """Show a process that is about to be changed, locked."""
    return await reading.show_process(session, await service.get_own_process(session, process_id, actor))
