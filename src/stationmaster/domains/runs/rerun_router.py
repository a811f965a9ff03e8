"""Doing a run again from where it failed, over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.runs import reading, reruns
from stationmaster.domains.runs.schemas import RunOut
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.limits import LimitClass, limited_as
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import SessionDep

router = APIRouter(prefix="/runs", tags=["runs"], route_class=Operation)


@router.post(
    "/{run_id}/rerun",
    status_code=202,
    summary="Go on from where a run failed",
    responses=problems(403, 404, 409),
    openapi_extra=limited_as(LimitClass.EXECUTION),
)
async def rerun_run(run_id: UUID, actor: RequireUser, session: SessionDep, rules: RulesDep) -> RunOut:
    """Do all steps again that have failed or were cancelled, and of lists only those items, with the same parameters.

    Steps that were left out because of the failure wait for their turn again; what succeeded is not done again.
    """
    run = await reruns.rerun_failed(session, rules, run_id, actor)
    return await reading.show_run(session, run)
