"""What a job keeps between its runs, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, RootModel
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs import state
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import UserOrExecution
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.schema import JsonObject
from stationmaster.web.session import SessionDep

router = APIRouter(prefix="/jobs/{job_id}/state", tags=["jobs"], route_class=Operation)


class JobStateDocument(RootModel[JsonObject]):
    """Any JSON object of at most 64 KiB."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cursor": "2026-11-21T08:30:00Z", "seen": 1200}]})


@router.get("", summary="Read what a job keeps between runs", responses=problems(403, 404))
async def get_state(job_id: UUID, actor: UserOrExecution, session: SessionDep) -> JobStateDocument:
    """Read the document that the job keeps; `{}` when it keeps none. Owner, admin, or a running execution by its token."""
    return await _show(session, job_id, actor)


@router.put("", summary="Keep a document for the next run", responses=problems(403, 404, 413))
async def put_state(
    job_id: UUID,
    body: JobStateDocument,
    actor: UserOrExecution,
    session: SessionDep,
    if_match: IfMatchDep,
    checkpoint: Annotated[
        bool, Query(description="Of a running execution: keep it at once, and not only when it succeeds.")
    ] = False,
) -> JobStateDocument:
    """Keep a document in place of the present one. What an execution writes counts when that succeeds, or at once as a
    checkpoint; what owner or admin write counts at once.
    """
    await if_match.check(lambda: _show(session, job_id, actor))
    await state.write(session, job_id, body.root, actor, is_checkpoint=checkpoint)
    return body


@router.delete("", status_code=204, summary="Forget what a job keeps", responses=problems(403, 404))
async def delete_state(job_id: UUID, actor: UserOrExecution, session: SessionDep, if_match: IfMatchDep) -> None:
    """Forget the document. Owner, admin, or a running execution by its token."""
    await if_match.check(lambda: _show(session, job_id, actor))
    await state.delete(session, job_id, actor)


async def _show(session: AsyncSession, job_id: UUID, actor: Actor) -> JobStateDocument:
    document: dict[str, Any] = await state.read(session, job_id, actor)
    return JobStateDocument(document)
