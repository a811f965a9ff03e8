"""Lines out of a multiplexed log."""

import asyncio

import aiohttp
import pytest
from aiohttp.streams import AsyncStreamIterator

from stationmaster.outbound.docker.log_stream import MAX_LINE_BYTES, read_blocks


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


class Wire(aiohttp.StreamReader):
    """A stream that has all its bytes, handed over in pieces of a size."""

    def __init__(self, raw: bytes, size: int) -> None:
        self._pieces = [raw[at : at + size] for at in range(0, len(raw), size)]

    def iter_any(self) -> AsyncStreamIterator[bytes]:
        async def read() -> bytes:
            return self._pieces.pop(0) if self._pieces else b""

        return AsyncStreamIterator(read)


async def lines_of(raw: bytes, size: int = 1_000_000, skip: int = 0) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    async for block in read_blocks(Wire(raw, size), skip_lines=skip):
        lines = block.data.splitlines(keepends=True)
        assert block.lines == len(lines)
        found += [(block.stream, line) for line in lines]
    return found


@pytest.mark.parametrize("size", [1, 3, 8, 9, 1000])
@pytest.mark.parametrize("skip", [0, 1, 2, 3])
async def test_wherever_the_stream_is_cut_and_however_much_is_known(size: int, skip: int) -> None:
    raw = frame(1, b"one\n") + frame(2, b"two\n") + frame(1, b"three\n")
    every = [("stdout", b"one\n"), ("stderr", b"two\n"), ("stdout", b"three\n")]

    assert every[skip:] == await lines_of(raw, size, skip)


async def test_a_flood_leaves_the_others_their_turn() -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        others = group.create_task(take_turns())
        await lines_of(frame(1, b"y\n") * 10_000, size=1000)
        others.cancel()

    assert turns > 50


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


@pytest.mark.parametrize("cut", [1, 7, 9, 11])
async def test_a_log_that_breaks_off_in_a_frame_is_no_end(cut: int) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await lines_of(frame(1, b"one\n")[:cut])
