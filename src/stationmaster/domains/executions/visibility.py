"""An execution for a caller who wants to look inside, if it is there for them: the rule is in `sight`."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import service
from stationmaster.domains.executions.errors import ExecutionNotFound
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.sight import read_sight
from stationmaster.identity.actor import Actor


async def get_visible(session: AsyncSession, id_: UUID, actor: Actor) -> Execution:
    """Return an execution into which the caller may look.

    Raises:
        ExecutionNotFound: there is none, or it is somebody else's: the two look the same.
    """
    execution = await service.get_execution(session, id_)
    if not (await read_sight(session, [execution], actor)).may_look_inside(execution):
        raise ExecutionNotFound(id_)
    return execution
