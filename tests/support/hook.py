"""A stand-in for a hook of Slack, or for a receiver of signed calls, that can be busy, broken, or hold a call open.

`taken` are the calls that it answered with success: those that really arrived, for whoever reads there.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.support.behaviours import Received
from tests.support.receiver import read_request


@dataclass
class Hook:
    """The running stand-in. `answers` are given in turn, (status, Retry-After); then every call is taken."""

    answers: list[tuple[int, str | None]] = field(default_factory=list)
    calls: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    port: int = 0
    is_holding: bool = False
    """Calls get no answer, until their caller goes away."""
    is_down: bool = False
    """Every call is answered 503."""

    @property
    def beginning(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def url(self) -> str:
        return f"{self.beginning}services/T1/B1/secret"

    @property
    def texts(self) -> list[str]:
        """Return what was taken, as previews show it."""
        return [body["text"] for body in self.bodies]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(call.body) for call in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        call = await read_request(reader)
        self.calls.append(call)
        if self.is_holding:
            await reader.read()
            return False
        status, wait = self.answers.pop(0) if self.answers else (503, None) if self.is_down else (200, None)
        if status == 200:
            self.taken.append(call)
        more = f"Retry-After: {wait}\r\n" if wait else ""
        writer.write(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 2\r\n{more}\r\nok".encode())
        await writer.drain()
        return True


@asynccontextmanager
async def open_hook() -> AsyncIterator[Hook]:
    """Listen for as long as the context lasts."""
    hook, serving = Hook(), set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(hook.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    hook.port = server.sockets[0].getsockname()[1]
    try:
        yield hook
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
