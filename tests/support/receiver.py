"""A webhook receiver on a loopback socket that keeps a ledger, and misbehaves on request.

What it does is chosen by the first part of the path, see `behaviours`; what follows are arguments: `/status/503`,
`/retry-after/429/120`. Every complete request is in `ledger`, in the order of arrival, before it is answered.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.behaviours import Exchange, Received, answer_as_asked


@dataclass(slots=True)
class Receiver:
    """The running server. `connections` counts the sockets that were accepted."""

    scheme: str = "http"
    host: str = "127.0.0.1"
    port: int = 0
    ledger: list[Received] = field(default_factory=list)
    connections: int = 0
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, *, host: str | None = None) -> str:
        """Return the address of a behaviour, also under another name of this host."""
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def received(self, count: int = 1) -> None:
        """Wait until so many requests have come in all."""
        while len(self.ledger) < count:
            self._arrived.clear()
            await self._arrived.wait()

    async def idle(self) -> None:
        """Wait until every conversation has ended."""
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def hang_up(self) -> None:
        """Break off every conversation."""
        for task in list(self._serving):
            task.cancel()
        await self.idle()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while not writer.is_closing():
                    request = await read_request(reader)
                    self.ledger.append(request)
                    self._arrived.set()
                    await answer_as_asked(Exchange(request, self.ledger, reader, writer))
                    await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def open_receiver(
    *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Listen for as long as the context lasts, on a free port unless one is named."""
    receiver = Receiver(scheme="https" if tls else "http", host=host)
    server = await asyncio.start_server(receiver.accept, host, port, ssl=tls, backlog=1024)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await receiver.hang_up()


@asynccontextmanager
async def open_deaf_listener() -> AsyncIterator[int]:
    """Yield a port on which connections are never completed: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port: int = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for client in waiting:
                client.close()


async def read_request(reader: asyncio.StreamReader) -> Received:
    """Read one request off a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers: dict[str, str] = {}
    for name, _, value in (line.partition(": ") for line in lines):
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, body)
