"""Watching an execution while it goes on, as server-sent events."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import HTTPConnection

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.executions.journals.live import Watch, follow
from stationmaster.domains.executions.visibility import get_visible
from stationmaster.errors import FieldError, Forbidden, Invalid, NotFound, Unauthenticated
from stationmaster.identity.dependencies import CurrentActor, authenticate_stream
from stationmaster.web.application import DatabaseDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep
from stationmaster.web.streams import EVENT_STREAM, EventStream, LastEventId, StoppingDep

router = APIRouter(prefix="/executions", tags=["executions"], route_class=Operation)

RECHECK_SECONDS = 10.0
"""How long a stream may go on after its reader has lost the right to it."""
After = Annotated[
    int, Query(ge=0, le=2**53, description="Number of the last event that you have; 0 for the beginning.")
]


@router.get(
    "/{execution_id}/stream",
    summary="Watch an execution",
    responses={**EVENT_STREAM, 204: {"description": "You have all of it; do not connect again"}, **problems(404)},
    response_class=StreamingResponse,
)
async def stream_execution(
    execution_id: UUID,
    actor: CurrentActor,
    session: ReadSessionDep,
    database: DatabaseDep,
    stopping: StoppingDep,
    request: Request,
    after: After = 0,
    last_event_id: LastEventId = None,
) -> Response:
    """Follow an execution as server-sent events: first what it said after `Last-Event-ID` (or `after`), then what it says.

    Events: `output`, `progress`, `stage`, `state`, `gap` (numbers that are not kept), and at the end `completed` or
    `failed`. The data of each is JSON with `execution_id` and `sequence`, which is also the event's id. After the end the
    stream closes, and a browser that connects again with the last id is told by 204 to stay away. For its owner, the
    owner of its script and admins.
    """
    await get_visible(session, execution_id, actor)
    watch = Watch(execution_id, after if last_event_id is None else _read_id(last_event_id))
    if await watch.is_over(session):
        return Response(status_code=204)
    may_go_on = recheck(database, request, execution_id)
    return EventStream(follow(database, stopping, watch, may_go_on=may_go_on))


def recheck(database: Database, connection: HTTPConnection, execution_id: UUID) -> Callable[[], Awaitable[bool]]:
    """Make the question whether a reader may go on; who they are and what they may see is looked up every few seconds."""
    checked_at = float("-inf")

    async def may_go_on() -> bool:
        nonlocal checked_at
        if time.monotonic() - checked_at < RECHECK_SECONDS:
            return True
        try:
            actor = await authenticate_stream(connection)
            async with read_only(database) as session:
                await get_visible(session, execution_id, actor)
        except (Unauthenticated, Forbidden, NotFound):
            return False
        checked_at = time.monotonic()
        return True

    return may_go_on


def _read_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise Invalid(FieldError("is no id of an event of this stream", parameter="Last-Event-ID"))
    return int(text)
