"""The WebSocket by which one reader follows many executions.

The reader sends `{"type": "subscribe", "execution_id": ..., "after": 0}` and `{"type": "unsubscribe", "execution_id": ...}`;
both are confirmed. What comes are the events of `journals.live`, each an object with `type`, `execution_id` and `sequence`.
With `"batch": true` several events may come as one array. What cannot be done is answered by `{"type": "error"}` and changes
nothing else.

Each subscription reads at the pace at which the socket takes its events. The socket ends when the reader goes, when the
service stops (1012), and when the reader's proof of identity lapses (1008): who comes back names the last numbers seen.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, WebSocket
from pydantic import Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.executions.journals.live import Watch, follow
from stationmaster.domains.executions.live_router import recheck
from stationmaster.domains.executions.visibility import get_visible
from stationmaster.errors import Forbidden, NotFound, Unauthenticated
from stationmaster.identity.dependencies import authenticate_stream
from stationmaster.web.application import DatabaseDep
from stationmaster.web.schema import Input
from stationmaster.web.streams import Event, StoppingDep

MOST_SUBSCRIPTIONS = 100
MOST_CHARACTERS = 4096
SEND_SECONDS = 60.0
"""A reader who takes nothing for so long is gone."""
KEEP_SECONDS = 10.0
PROTOCOL = "stationmaster"
"""Browsers, who can send no header, offer this and `bearer.<access token>` as subprotocols."""
GOING_AWAY, POLICY, TOO_BIG = 1012, 1008, 1009

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

router = APIRouter(prefix="/executions", tags=["executions"])


@router.websocket("/stream")
async def stream_executions(websocket: WebSocket, database: DatabaseDep, stopping: StoppingDep) -> None:
    """Follow many executions over one WebSocket; see the module."""
    await authenticate_stream(websocket)
    await LiveSocket(websocket, database, stopping).serve()


class Subscribe(Input):
    type: Literal["subscribe"]
    execution_id: UUID
    after: int = Field(0, ge=0, le=2**53)
    batch: bool = False


class Unsubscribe(Input):
    type: Literal["unsubscribe"]
    execution_id: UUID


Message = Annotated[Subscribe | Unsubscribe, Field(discriminator="type")]
_MESSAGE: TypeAdapter[Subscribe | Unsubscribe] = TypeAdapter(Message)


class LiveSocket:
    """One open socket and what its reader follows."""

    def __init__(self, socket: WebSocket, database: Database, stopping: asyncio.Event) -> None:
        self._socket = socket
        self._database = database
        self._stopping = stopping
        self._subscriptions: dict[UUID, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        """Serve until one of the ends that the module names."""
        offered = self._socket.scope.get("subprotocols", [])
        await self._socket.accept(PROTOCOL if PROTOCOL in offered else None)
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keep())
                await self._listen(group)
                for task in (keeping, *self._subscriptions.values()):
                    task.cancel()
        except* (WebSocketDisconnect, TimeoutError):
            pass  # the reader is gone

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        """Heed the reader's messages until the socket is closed, by whomever."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or ""
            if len(text) > MOST_CHARACTERS:
                await self._socket.close(TOO_BIG)
                return
            await self._heed(text, group)

    async def _heed(self, text: str, group: asyncio.TaskGroup) -> None:
        try:
            asked = _MESSAGE.validate_json(text)
        except ValidationError as error:
            await self._refuse(None, "; ".join(_describe(each) for each in error.errors()))
            return
        await self._drop(asked.execution_id)
        if isinstance(asked, Unsubscribe):
            await self._send({"type": "unsubscribed", "execution_id": str(asked.execution_id)})
        elif len(self._subscriptions) >= MOST_SUBSCRIPTIONS:
            await self._refuse(
                asked.execution_id, f"At most {MOST_SUBSCRIPTIONS} executions are followed by one socket."
            )
        elif await self._may_see(asked.execution_id):
            facts = {"execution_id": str(asked.execution_id), "after": asked.after}
            await self._send({"type": "subscribed", **facts})
            self._subscriptions[asked.execution_id] = group.create_task(self._follow(asked))

    async def _may_see(self, execution_id: UUID) -> bool:
        try:
            actor = await authenticate_stream(self._socket)
            async with read_only(self._database) as session:
                await get_visible(session, execution_id, actor)
        except (Unauthenticated, Forbidden, NotFound) as error:
            await self._refuse(execution_id, error.detail)
            return False
        return True

    async def _follow(self, asked: Subscribe) -> None:
        watch = Watch(asked.execution_id, asked.after)
        may_go_on = recheck(self._database, self._socket, asked.execution_id)
        events = follow(self._database, self._stopping, watch, may_go_on=may_go_on)
        try:
            async for batch in events:
                await self._send_events(batch, as_one=asked.batch)
        finally:
            await events.aclose()
            if self._subscriptions.get(asked.execution_id) is asyncio.current_task():
                del self._subscriptions[asked.execution_id]
        if not watch.has_ended and not self._stopping.is_set():
            await self._refuse(asked.execution_id, "You may not follow this execution any longer.")

    async def _send_events(self, events: Sequence[Event], *, as_one: bool) -> None:
        messages = [event.encode_message() for event in events]
        if as_one and messages:
            await self._send_text(f"[{','.join(messages)}]")
            return
        for message in messages:
            await self._send_text(message)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(_encode(message))

    async def _send_text(self, text: str) -> None:
        async with self._sending, asyncio.timeout(SEND_SECONDS):
            if self._socket.application_state is WebSocketState.DISCONNECTED:
                raise WebSocketDisconnect(GOING_AWAY)
            await self._socket.send_text(text)

    async def _refuse(self, execution_id: UUID | None, detail: str) -> None:
        about = {"execution_id": str(execution_id)} if execution_id else {}
        await self._send({"type": "error", **about, "detail": detail})

    async def _drop(self, execution_id: UUID) -> None:
        task = self._subscriptions.pop(execution_id, None)
        if task is not None:
            task.cancel()

    async def _keep(self) -> None:
        """Close the socket when the service stops or the reader is nobody any more."""
        code = POLICY
        while True:
            try:
                async with asyncio.timeout(KEEP_SECONDS):
                    await self._stopping.wait()
                code = GOING_AWAY
                break
            except TimeoutError:
                try:
                    await authenticate_stream(self._socket)
                except (Unauthenticated, Forbidden):
                    break
        await self._socket.close(code)


def _describe(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    return f"{place}: {error['msg']}" if place else str(error["msg"])
