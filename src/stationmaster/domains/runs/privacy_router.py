"""Neutralising single runs, and legal hold, over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from stationmaster.domains.runs import hold, neutralising, reading
from stationmaster.domains.runs.schemas import HoldIn, NeutralizedOut, RunOut
from stationmaster.identity.dependencies import RequireAdmin, RequireUser
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import SessionDep

router = APIRouter(prefix="/runs", tags=["privacy"], route_class=Operation)


@router.post("/{run_id}/neutralize", summary="Neutralise a run", responses=problems(403, 404, 409))
async def neutralize_run(run_id: UUID, actor: RequireUser, session: SessionDep) -> NeutralizedOut:
    """Take everything personal out of a run and of the work for it, for good. Owner of the process or admin.

    Figures and statuses stay, and so do the metadata fields that the process declares and does not mark as personal.
    """
    run, was_already = await neutralising.neutralize_run(session, run_id, actor)
    return NeutralizedOut(
        run_id=run.id,
        was_already_neutralized=was_already,
        success=True,
        message="It was neutralised before." if was_already else "Everything personal is gone.",
    )


@router.post("/{run_id}/hold", summary="Put a run under legal hold", responses=problems(403, 404, 409))
async def hold_run(run_id: UUID, body: HoldIn, _actor: RequireAdmin, session: SessionDep) -> RunOut:
    """Keep a run as it is: neither the retention nor anybody neutralises or purges it until it is released."""
    return await reading.show_run(session, await hold.hold_run(session, run_id, body.reason))


@router.post("/{run_id}/release", summary="Release a run from legal hold", responses=problems(403, 404, 409))
async def release_run(run_id: UUID, _actor: RequireAdmin, session: SessionDep) -> RunOut:
    """End the legal hold of a run."""
    return await reading.show_run(session, await hold.release_run(session, run_id))
