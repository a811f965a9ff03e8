"""The engine's multiplexed log: lines with their stream, many at a time.

A frame is eight bytes (stream, three zeros, length) and a piece of one line (Engine API, "Attach to a container"). A line
over 16 KiB comes in several pieces; only the last ends with a newline. The engine keeps the order of the lines, so the
number of lines already taken in is the place where reading goes on after a crash, without loss and without doubles; and
therefore only whole lines are handed on.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import groupby
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


class Block(NamedTuple):
    """Lines of one stream that came one after the other."""

    stream: Stream
    data: bytes
    lines: int


async def read_blocks(content: aiohttp.StreamReader, *, skip_lines: int = 0) -> AsyncIterator[Block]:
    """Yield the lines after the first ones until the log ends; a last one without a newline gets it.

    However fast they come, everybody else gets a turn after each piece of the log that arrived.

    Raises:
        asyncio.IncompleteReadError: the log broke off within a frame.
    """
    frames = _Frames()
    async for chunk in content.iter_any():
        for block in _make_blocks(lines := frames.feed(chunk), skip_lines):
            yield block
        skip_lines = max(skip_lines - len(lines), 0)
        await asyncio.sleep(0)
    for block in _make_blocks(frames.rest(), skip_lines):
        yield block


def _make_blocks(lines: list[Line], skip: int) -> Iterator[Block]:
    for stream, group in groupby(lines[skip:], key=lambda line: line.stream):
        data = [line.data for line in group]
        yield Block(stream, b"".join(data), len(data))


class _Frames:
    """Takes frames apart, wherever the pieces in which they arrive are cut, and joins lines."""

    def __init__(self) -> None:
        self._buffer = b""
        self._begun: dict[Stream, bytearray] = {}

    def feed(self, chunk: bytes) -> list[Line]:
        """Take what arrived; return the lines that are whole now."""
        buffer, at, lines = self._buffer + chunk, 0, []
        while len(buffer) - at >= HEADER_BYTES:
            end = at + HEADER_BYTES + int.from_bytes(buffer[at + 4 : at + HEADER_BYTES], "big")
            if end > len(buffer):
                break
            stream: Stream = "stderr" if buffer[at] == STDERR else "stdout"
            if line := self._take(stream, buffer[at + HEADER_BYTES : end]):
                lines.append(line)
            at = end
        self._buffer = buffer[at:]
        return lines

    def rest(self) -> list[Line]:
        """Return the lines that ended with the log.

        Raises:
            asyncio.IncompleteReadError: it ended within a frame.
        """
        if self._buffer:
            raise asyncio.IncompleteReadError(self._buffer, None)
        return [Line(stream, bytes(data) + b"\n") for stream, data in self._begun.items()]

    def _take(self, stream: Stream, piece: bytes) -> Line | None:
        is_whole = piece.endswith(b"\n")
        begun = self._begun.get(stream)
        if begun is None and is_whole and len(piece) <= MAX_LINE_BYTES:
            return Line(stream, piece)
        begun = self._begun.setdefault(stream, bytearray())
        begun += piece.removesuffix(b"\n")[: MAX_LINE_BYTES - len(begun)]
        return Line(stream, bytes(self._begun.pop(stream)) + b"\n") if is_whole else None
