"""Forgetting, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from stationmaster.domains.runs import cleanup
from stationmaster.domains.runs.cleanup import CleanupOut, CleanupStatsOut, EntityIn, EntityOut
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/admin", tags=["privacy"], route_class=Operation)

DryRun = Annotated[bool, Query(description="Only say what would be done; on unless it is switched off.")]


@router.get("/cleanup/stats", summary="Count what is due to be neutralised", responses=problems(403))
async def get_cleanup_stats(
    _actor: RequireAdmin,
    session: ReadSessionDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Ids in the sample.")] = 10,
) -> CleanupStatsOut:
    """Count the runs that are older than their process keeps them, deleted ones included."""
    return await cleanup.show_stats(session, limit=limit)


@router.post("/cleanup/neutralize", summary="Neutralise what is due", responses=problems(403))
async def neutralize_due_runs(
    _actor: RequireAdmin,
    session: SessionDep,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most runs of this call; the oldest come first.")] = 100,
    dry_run: DryRun = True,
) -> CleanupOut:
    """Neutralise runs that are due, as the service does by itself every few minutes. It cannot be taken back."""
    if dry_run:
        return await cleanup.preview_due(session, limit=limit)
    return await cleanup.neutralize_due(session, limit=limit)


@router.post("/entities/export", summary="Export what is held about an entity", responses=problems(403))
async def export_entity(body: EntityIn, _actor: RequireAdmin, session: SessionDep) -> EntityOut:
    """Return everything that is held about one entity in the runs of all processes, and in the work for them."""
    return await cleanup.export_entity(session, body.entity_id)


@router.post("/entities/erase", summary="Erase what is held about an entity", responses=problems(403))
async def erase_entity(body: EntityIn, _actor: RequireAdmin, session: SessionDep, dry_run: DryRun = True) -> CleanupOut:
    """Neutralise all runs of one entity, in all processes, and say which. It cannot be taken back."""
    if dry_run:
        return await cleanup.preview_entity(session, body.entity_id)
    return await cleanup.erase_entity(session, body.entity_id)
