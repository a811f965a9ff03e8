"""Answers that go on: server-sent events, and what all streams have in common.

A stream holds no session and no task of its own. It looks for news in short transactions, sends them as fast as the reader
takes them, and then waits for a wake-up (`db.notify`); a poll covers wake-ups that got lost. At the end of the service all
waiters are woken, and each stream sees that and ends.

    async def news() -> AsyncIterator[list[Event]]:
        async for _ in pulses(database, stopping, Wake.INBOX, about=user_id):
            yield await look()

    return EventStream(news())
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from stationmaster.db.engine import Database
from stationmaster.db.notify import Wake, waiting_for

HEARTBEAT_SECONDS = 15.0
"""Without news, a sign of life is sent this often: proxies cut what is silent for a minute, and it shows who went away."""
POLL_SECONDS = 2.0
RECONNECT_MS = 2000
"""How long browsers wait before they connect again."""

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(slots=True)
class Event:
    """One event; `data` becomes JSON, or is JSON already. After a cut, the reader names the last `id` it saw."""

    name: str
    data: dict[str, Any] | str
    id: str | None = None

    def encode(self) -> str:
        """Write it as the standard wants it (HTML, section 9.2); JSON has no line breaks."""
        last = f"id: {self.id}\n" if self.id is not None else ""
        return f"{last}event: {self.name}\ndata: {self._json()}\n\n"

    def encode_message(self) -> str:
        """Write it as one JSON object, with its name as `type`."""
        return f'{{"type":"{self.name}",{self._json()[1:]}'

    def _json(self) -> str:
        return self.data if isinstance(self.data, str) else _encode(self.data)


async def pulses(
    database: Database, stopping: asyncio.Event, *wakes: Wake, about: object = "", poll_seconds: float = POLL_SECONDS
) -> AsyncGenerator[None]:
    """Give the beat in which a stream looks for news: at once, at each wake-up, and now and then, until the service stops."""
    async with waiting_for(database, *wakes, about=about) as woken:
        while not stopping.is_set():
            woken.clear()
            yield
            try:
                async with asyncio.timeout(poll_seconds):
                    await woken.wait()
            except TimeoutError:
                continue


class EventStream(StreamingResponse):
    """Sends batches of events as they come; an empty batch only shows that the stream lives."""

    media_type = "text/event-stream"

    def __init__(self, batches: AsyncGenerator[Sequence[Event]]) -> None:
        super().__init__(_write(batches), headers={"X-Accel-Buffering": "no"})
        self._batches = batches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; however it ends, the stream lets go of what it waits for."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._batches.aclose()


async def _write(batches: AsyncIterator[Sequence[Event]]) -> AsyncIterator[str]:
    yield f"retry: {RECONNECT_MS}\n\n"
    sent_at = time.monotonic()
    async for events in batches:
        now = time.monotonic()
        if events:
            yield "".join(event.encode() for event in events)
        elif now - sent_at >= HEARTBEAT_SECONDS:
            yield ": still here\n\n"
        else:
            continue
        sent_at = now


def stopping_of(connection: HTTPConnection) -> asyncio.Event:
    """Return what is set when the service begins to stop."""
    stopping: asyncio.Event = connection.app.state.stopping
    return stopping


StoppingDep = Annotated[asyncio.Event, Depends(stopping_of)]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID", max_length=64, description="The `id` of the last event that you have; browsers send it."
    ),
]
EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events as they happen", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
"""How an operation that answers with events declares it, as its `responses`."""
