"""Steps over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.processes import reading, service, steps
from stationmaster.domains.processes.schemas import OrderIn, ProcessOut
from stationmaster.domains.processes.step_schemas import StepIn, StepOut, StepPatch
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor, RequireUser
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(tags=["processes"], route_class=Operation)


@router.get("/processes/{process_id}/steps", summary="List the steps of a process", responses=problems(404))
async def list_steps(
    process_id: UUID,
    _actor: CurrentActor,
    session: ReadSessionDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
    rerunnable: Annotated[bool | None, Query(description="Only steps that may be done again, or may not.")] = None,
) -> Page[StepOut]:
    """List the steps of a process in their order."""
    process = await service.get_process(session, process_id)
    page: Page[StepOut] = await paginate(
        session,
        steps.steps_statement(process.id, is_rerunnable=rerunnable),
        params,
        request=request,
        response=response,
        transform=lambda rows: reading.show_some_steps(session, process.id, rows),
    )
    return page


@router.post("/processes/{process_id}/steps", status_code=201, summary="Add a step", responses=problems(403, 404, 409))
async def create_step(
    process_id: UUID, body: StepIn, actor: RequireUser, session: SessionDep, rules: RulesDep, response: Response
) -> StepOut:
    """Add a step to a process, as a new version of it. Runs that have begun do not get it. Owner or admin."""
    step = await steps.create_step(session, rules, process_id, body, actor)
    response.headers["Location"] = f"/api/v1/steps/{step.id}"
    return await reading.show_step(session, step)


@router.put("/processes/{process_id}/steps/order", summary="Reorder the steps", responses=problems(403, 404))
async def put_step_order(
    process_id: UUID, body: OrderIn, actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> ProcessOut:
    """Put all steps of a process into the order of the list; `If-Match` takes the tag of the process. Owner or admin."""
    await if_match.check(lambda: _show_own_process(session, process_id, actor))
    return await reading.show_process(session, await steps.reorder_steps(session, process_id, body.steps, actor))


@router.get("/steps/{step_id}", summary="Read a step", responses=problems(404))
async def get_step(step_id: UUID, _actor: CurrentActor, session: ReadSessionDep) -> StepOut:
    """Read one step."""
    return await reading.show_step(session, await steps.get_step(session, step_id))


@router.patch("/steps/{step_id}", summary="Change a step", responses=problems(403, 404, 409))
async def update_step(
    step_id: UUID, body: StepPatch, actor: RequireUser, session: SessionDep, rules: RulesDep, if_match: IfMatchDep
) -> StepOut:
    """Change a step, as a new version of its process; what is not given stays. Runs that have begun keep it as it was."""
    await if_match.check(lambda: _show_own(session, step_id, actor))
    return await reading.show_step(session, await steps.update_step(session, rules, step_id, body, actor))


@router.delete("/steps/{step_id}", status_code=204, summary="Delete a step", responses=problems(403, 404, 409))
async def delete_step(step_id: UUID, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Take a step out of its process, as a new version. Runs that have begun keep it. Owner or admin."""
    await if_match.check(lambda: _show_own(session, step_id, actor))
    await steps.delete_step(session, step_id, actor)


@router.post("/steps/{step_id}/restore", summary="Restore a step", responses=problems(403, 404, 409))
async def restore_step(step_id: UUID, actor: RequireUser, session: SessionDep) -> StepOut:
    """Put a deleted step back in its place. Owner or admin."""
    return await reading.show_step(session, await steps.restore_step(session, step_id, actor))


async def _show_own(session: AsyncSession, step_id: UUID, actor: Actor) -> StepOut:
    """Show a step that is about to be changed, its process locked."""
    _, step = await steps.get_own_step(session, step_id, actor)
    return await reading.show_step(session, step)


async def _show_own_process(session: AsyncSession, process_id: UUID, actor: Actor) -> ProcessOut:
    """Show a process that is about to be changed, locked."""
    return await reading.show_process(session, await service.get_own_process(session, process_id, actor))
