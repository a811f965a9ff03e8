"""Runs over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.runs import reading, reporting, search, service
from stationmaster.domains.runs.dependencies import FiltersDep, RunQueryDep
from stationmaster.domains.runs.listing import RunItem, list_statement
from stationmaster.domains.runs.schemas import MetadataPatch, ReportIn, ReportOut, RunIn, RunOut
from stationmaster.domains.runs.search import RunHit
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, LargePageParamsDep, paginate
from stationmaster.web.schema import Text
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/runs", tags=["runs"], route_class=Operation)


@router.get("", summary="List runs")
async def list_runs(
    actor: RequireUser,
    session: ReadSessionDep,
    filters: FiltersDep,
    query: RunQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
) -> LargePage[RunItem] | CursorPage[RunItem]:
    """List runs, newest first, each with its steps."""
    plan = query.plan(is_admin=actor.is_admin)
    page: LargePage[RunItem] | CursorPage[RunItem] = await paginate(
        session,
        plan.narrow(list_statement(filters)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: reading.show_items(session, rows, plan.fields),
    )
    return page


@router.post("", status_code=201, summary="Begin a run", responses=problems(403, 404))
async def create_run(
    body: RunIn, actor: RequireUser, session: SessionDep, rules: RulesDep, response: Response
) -> RunOut:
    """Begin a run of a process, with one step run for each of its steps.

    With a `key` the run is made once: if the process has one with this key, that one is answered, with 200.
    """
    run, is_new = await service.create_run(session, rules, body, actor)
    response.headers["Location"] = f"/api/v1/runs/{run.id}"
    if not is_new:
        response.status_code = 200
    return await reading.show_run(session, run)


@router.post("/report", summary="Report a step by names", responses=problems(403, 404))
async def report_step(body: ReportIn, actor: RequireUser, session: SessionDep, rules: RulesDep) -> ReportOut:
    """Report how a step is getting on by process, step and entity, in one call.

    It is written into the entity's newest run of the process, or into the run with this `key`; one is made if there is none.
    """
    run, step_run, is_new = await reporting.report(session, rules, body, actor)
    return ReportOut(created=is_new, step_run=reading.show_step_run(step_run), run=await reading.show_run(session, run))


@router.get("/search", summary="Search runs", responses=problems(404))
async def search_runs(
    _actor: RequireUser,
    session: ReadSessionDep,
    params: LargePageParamsDep,
    request: Request,
    response: Response,
    q: Annotated[Text, Query(min_length=1, max_length=255, description="Text to find, in any case.")],
    process_id: Annotated[
        UUID | None, Query(description="Runs of this process, also by the metadata that it declares.")
    ] = None,
) -> LargePage[RunHit]:
    """Find runs by a part of their entity's id or name, or of their status; `matches` says where it was found.

    No value of the query is logged.
    """
    fields = await search.find_fields(session, process_id)
    page: LargePage[RunHit] = await paginate(
        session,
        search.search_statement(q, process_id, fields),
        params,
        request=request,
        response=response,
        transform=lambda rows: search.show_hits(session, rows, q, fields),
    )
    return page


@router.get("/{run_id}", summary="Read a run", responses=problems(404))
async def get_run(run_id: UUID, _actor: RequireUser, session: ReadSessionDep) -> RunOut:
    """Read one run with its steps."""
    return await reading.show_run(session, await service.get_run(session, run_id))


@router.delete("/{run_id}", status_code=204, summary="Delete a run", responses=problems(403, 404))
async def delete_run(run_id: UUID, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Delete a run with its step runs, until it is restored or purged. Owner of the process or admin."""
    await if_match.check(lambda: _show_own(session, run_id, actor))
    await service.delete_run(session, run_id, actor)


@router.post("/{run_id}/restore", summary="Restore a run", responses=problems(403, 404, 409))
async def restore_run(run_id: UUID, actor: RequireUser, session: SessionDep, rules: RulesDep) -> RunOut:
    """Bring a deleted run back with its step runs. Owner of the process or admin."""
    return await reading.show_run(session, await service.restore_run(session, rules, run_id, actor))


@router.post("/{run_id}/cancel", summary="Cancel a run", responses=problems(403, 404, 409))
async def cancel_run(run_id: UUID, _actor: RequireUser, session: SessionDep) -> RunOut:
    """Cancel a run: its steps keep their status, work for them is stopped, and no status is taken until it is uncancelled."""
    return await reading.show_run(session, await service.cancel_run(session, run_id))


@router.post("/{run_id}/uncancel", summary="Take a cancellation back", responses=problems(403, 404, 409))
async def uncancel_run(run_id: UUID, _actor: RequireUser, session: SessionDep, rules: RulesDep) -> RunOut:
    """Take a cancellation back: the status follows from the steps again, and steps whose turn it is begin."""
    return await reading.show_run(session, await service.uncancel_run(session, rules, run_id))


@router.patch("/{run_id}/metadata", summary="Change the metadata of a run", responses=problems(403, 404, 409))
async def update_run_metadata(
    run_id: UUID, body: MetadataPatch, _actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> RunOut:
    """Set fields that the run has already, or that its process declares; the others stay. Unknown ones are refused."""
    await if_match.check(lambda: _show_locked(session, run_id))
    return await reading.show_run(session, await service.change_metadata(session, run_id, body))


async def _show_own(session: AsyncSession, run_id: UUID, actor: Actor) -> RunOut:
    """Show a run that is about to be changed by the owner of its process, locked."""
    return await reading.show_run(session, await service.lock_own_run(session, run_id, actor))


async def _show_locked(session: AsyncSession, run_id: UUID) -> RunOut:
    """Show a run that is about to be changed, locked."""
    return await reading.show_run(session, await service.lock_run(session, run_id))
