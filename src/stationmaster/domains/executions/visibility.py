"""Who may see what an execution said and made: its owner and administrators."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import service
from stationmaster.domains.executions.errors import ExecutionNotFound
from stationmaster.domains.executions.models import Execution
from stationmaster.identity.actor import Actor


def may_see_inside(execution: Execution, actor: Actor) -> bool:
    """Say whether a caller may read logs, results and artifacts of an execution."""
    return actor.is_admin or (execution.owner_id is not None and execution.owner_id == actor.user_id)


async def get_visible(session: AsyncSession, id_: UUID, actor: Actor) -> Execution:
    """Return an execution into which the caller may look.

    Raises:
        ExecutionNotFound: there is none, or it is somebody else's: the two look the same.
    """
    execution = await service.get_execution(session, id_)
    if not may_see_inside(execution, actor):
        raise ExecutionNotFound(id_)
    return execution
