"""Deleting and restoring processes over HTTP: it stands here because it means something for their runs."""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.processes import reading
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes.schemas import ProcessOut
from stationmaster.domains.runs import closing
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import SessionDep

router = APIRouter(prefix="/processes", tags=["processes"], route_class=Operation)


@router.delete("/{process_id}", status_code=204, summary="Delete a process", responses=problems(403, 404))
async def delete_process(process_id: UUID, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Delete a process with its steps and runs, until it is restored or purged. Owner or admin.

    What is queued or running for its runs is stopped.
    """
    await if_match.check(lambda: _show_own(session, process_id, actor))
    await closing.close_process(session, process_id, actor)


@router.post("/{process_id}/restore", summary="Restore a process", responses=problems(403, 404, 409))
async def restore_process(process_id: UUID, actor: RequireUser, session: SessionDep, rules: RulesDep) -> ProcessOut:
    """Bring a deleted process back with its steps and runs; what was deleted before it stays deleted. Owner or admin.

    Steps whose turn it is begin. What the deletion stopped stands as cancelled and can be done again.
    """
    return await reading.show_process(session, await closing.reopen_process(session, rules, process_id, actor))


async def _show_own(session: AsyncSession, process_id: UUID, actor: Actor) -> ProcessOut:
    """Show a process that is about to be changed, locked."""
    return await reading.show_process(session, await processes.get_own_process(session, process_id, actor))
