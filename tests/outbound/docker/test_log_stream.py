"""Lines out of a multiplexed log."""

import asyncio

import aiohttp
import pytest

from stationmaster.outbound.docker.log_stream import MAX_LINE_BYTES, Line, read_lines


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


class Wire(aiohttp.StreamReader):
    """A stream that has all its bytes, handed over in steps of a few."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def read(self, n: int = -1) -> bytes:
        taken, self._raw = self._raw[:n], self._raw[n:]
        return taken

    async def readexactly(self, n: int) -> bytes:
        taken = await self.read(n)
        if len(taken) < n:
            raise asyncio.IncompleteReadError(taken, n)
        return taken


async def lines_of(raw: bytes) -> list[Line]:
    return [line async for line in read_lines(Wire(raw))]


async def test_lines_have_their_stream_and_keep_their_order() -> None:
    raw = frame(1, b"one\n") + frame(2, b"\n") + frame(1, b"two\n")

    assert [("stdout", b"one\n"), ("stderr", b"\n"), ("stdout", b"two\n")] == await lines_of(raw)


async def test_pieces_of_a_long_line_are_joined_though_the_other_stream_speaks_between() -> None:
    raw = frame(1, b"a" * 16_384) + frame(2, b"aside\n") + frame(1, b"b\n")

    assert [("stderr", b"aside\n"), ("stdout", b"a" * 16_384 + b"b\n")] == await lines_of(raw)


async def test_a_line_without_end_takes_bounded_memory() -> None:
    raw = frame(1, b"x" * 16_384) * 10 + frame(1, b"end\n") + frame(1, b"next\n")

    assert [("stdout", b"x" * MAX_LINE_BYTES + b"\n"), ("stdout", b"next\n")] == await lines_of(raw)


async def test_a_last_line_without_a_newline_is_a_line() -> None:
    assert [("stdout", b"bye\n")] == await lines_of(frame(1, b"bye"))


async def test_nothing_is_no_line() -> None:
    assert [] == await lines_of(b"")


@pytest.mark.parametrize("cut", [1, 7, 9])
async def test_a_log_that_breaks_off_in_a_frame_is_no_end(cut: int) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await lines_of(frame(1, b"one\n")[:cut])
