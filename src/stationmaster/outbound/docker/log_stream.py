"""The engine's multiplexed log: lines with their stream.

A frame is eight bytes (stream, three zeros, length) and a piece of one line (Engine API, "Attach to a container"). A line
over 16 KiB comes in several pieces; only the last ends with a newline. The engine keeps the order of the lines, so the
number of lines already taken in is the place where reading goes on after a crash, without loss and without doubles; and
therefore only whole lines are handed on.
"""

from collections.abc import AsyncIterator
from typing import Literal, NamedTuple

import aiohttp

HEADER_BYTES = 8
STDERR = 2
MAX_LINE_BYTES = 65_536
"""More of one line is not kept in memory; whoever stores lines cuts them shorter than that anyway."""

Stream = Literal["stdout", "stderr"]


class Line(NamedTuple):
    """One line with its newline."""

    stream: Stream
    data: bytes


async def read_lines(content: aiohttp.StreamReader) -> AsyncIterator[Line]:
    """Yield the lines until the log ends; a last one without a newline gets it.

    Raises:
        asyncio.IncompleteReadError: the log broke off within a frame.
    """
    begun: dict[Stream, bytearray] = {}
    async for stream, piece in _read_frames(content):
        line = begun.setdefault(stream, bytearray())
        line += piece.removesuffix(b"\n")[: MAX_LINE_BYTES - len(line)]
        if piece.endswith(b"\n"):
            yield Line(stream, bytes(begun.pop(stream)) + b"\n")
    for stream, line in begun.items():
        yield Line(stream, bytes(line) + b"\n")


async def _read_frames(content: aiohttp.StreamReader) -> AsyncIterator[tuple[Stream, bytes]]:
    while first := await content.read(1):
        header = first + await content.readexactly(HEADER_BYTES - 1)
        data = await content.readexactly(int.from_bytes(header[4:], "big"))
        yield "stderr" if header[0] == STDERR else "stdout", data
