"""The other side of the webhooks, in a process of its own: answers 200 at once and can write down each call.

`python -m bench.receiver PORTS [LEDGER]` listens on so many ports of loopback (each is a target host of its own to the
service) and prints them. With a ledger it appends `execution attempt monotonic-seconds` for each call *before* it answers,
to a file opened with O_APPEND: what really happened, whatever the database says. `/wait/250` is answered 250 ms later.
Only as much of HTTP as aiohttp sends: a head, and a body of `content-length` bytes.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import uvloop

WAIT = b"/wait/"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"


class Conversation(asyncio.Protocol):
    """One connection, kept open for any number of calls."""

    def __init__(self, ledger: int | None) -> None:
        self._ledger = ledger
        self._waiting = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class does not inherit from it

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[: end + 2].lower()
            size = end + 4 + int(_header(head, b"content-length") or 0)
            if len(self._waiting) < size:
                return
            self._waiting = self._waiting[size:]
            self._take(head)

    def _take(self, head: bytes) -> None:
        if self._ledger is not None:
            line = b"%s %s %.6f\n" % (_header(head, b"webhook-id"), _header(head, b"stationmaster-attempt"), now())
            os.write(self._ledger, line)
        path = head.split(b" ", 2)[1]
        if path.startswith(WAIT):
            asyncio.get_running_loop().call_later(int(path.removeprefix(WAIT)) / 1000, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(ANSWER)


def now() -> float:
    """Return the monotonic clock of this machine, which all its processes share."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _header(head: bytes, name: bytes) -> bytes:
    """Return the value of a header from a head in lower case, each line of it ended."""
    start = head.find(b"\r\n" + name + b":")
    return head[start + len(name) + 3 : head.index(b"\r\n", start + 2)].strip() if start >= 0 else b""


async def serve(ports: int, ledger: int | None) -> None:
    """Listen until the process is ended."""
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Conversation(ledger), "127.0.0.1", 0, backlog=4096) for _ in range(ports)
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


@asynccontextmanager
async def running_receiver(ports: int, ledger: Path | None = None) -> AsyncIterator[list[int]]:
    """Run a receiver for as long as the context lasts; give its ports."""
    arguments = [str(ports), *([str(ledger)] if ledger else [])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.receiver", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield [int(port) for port in (await process.stdout.readline()).split()]
    finally:
        process.kill()
        await process.wait()


def main() -> None:
    ports, *ledger = sys.argv[1:]
    file = os.open(ledger[0], os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600) if ledger else None
    uvloop.run(serve(int(ports), file))


if __name__ == "__main__":
    main()
