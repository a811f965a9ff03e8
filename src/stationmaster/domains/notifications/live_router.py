"""Watching one's inbox, as server-sent events."""

import time
from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from stationmaster.db.notify import Wake
from stationmaster.domains.notifications.live import MayGoOn, Watch, follow
from stationmaster.errors import FieldError, Forbidden, Invalid, Unauthenticated
from stationmaster.identity.dependencies import CurrentActor, authenticate_stream
from stationmaster.web.application import DatabaseDep
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep
from stationmaster.web.streams import EVENT_STREAM, EventStream, LastEventId, StoppingDep, pulses

router = APIRouter(prefix="/notifications", tags=["notifications"], route_class=Operation)

RECHECK_SECONDS = 10.0
"""How long a stream may go on after its reader has lost the right to it."""
Follow = Annotated[bool, Query(alias="follow", description="False ends the stream when what is there has been sent.")]


@router.get("/stream", summary="Watch your notifications", responses=EVENT_STREAM, response_class=StreamingResponse)
async def stream_notifications(
    actor: CurrentActor,
    session: ReadSessionDep,
    database: DatabaseDep,
    stopping: StoppingDep,
    request: Request,
    goes_on: Follow = True,
    last_event_id: LastEventId = None,
) -> Response:
    """Follow your inbox as server-sent events: what came after `Last-Event-ID`, then what comes.

    Events: `notification`, whose data is the entry and whose id is its id, and `unread` with `unread_count`, at first and
    whenever it changes.
    """
    watch = await Watch.open(session, actor.user_id, _read_id(last_event_id))
    pulse = pulses(database, stopping, Wake.INBOX, about=actor.user_id) if goes_on else _once()
    return EventStream(follow(database, pulse, watch, may_go_on=_recheck(request)))


def _read_id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Invalid(FieldError("is no id of an event of this stream", parameter="Last-Event-ID")) from error


async def _once() -> AsyncGenerator[None]:
    yield


def _recheck(request: Request) -> MayGoOn:
    """Make the question whether a reader may go on; who they are is looked up every few seconds."""
    checked_at = time.monotonic()

    async def may_go_on() -> bool:
        nonlocal checked_at
        if time.monotonic() - checked_at < RECHECK_SECONDS:
            return True
        try:
            await authenticate_stream(request)
        except (Unauthenticated, Forbidden):
            return False
        checked_at = time.monotonic()
        return True

    return may_go_on
