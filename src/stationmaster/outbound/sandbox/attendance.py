"""Stays with a run from its gate to its end: hears it, watches it, stops it when it must be stopped."""

import asyncio
from dataclasses import dataclass, field

from stationmaster.outbound.sandbox.child import CHUNK_BYTES, Child
from stationmaster.outbound.sandbox.order import Cause, Journal, Limits, Stream
from stationmaster.outbound.sandbox.watch import Watch

DRAIN_SECONDS = 2.0
"""How long the pipes may take to run dry once the run is over: a detached grandchild may hold them for ever."""
LAST_WORDS_SECONDS = 30.0
"""How long the journal may take with what is left."""
COMPLAINT_BYTES = 500
GENTLE = frozenset({None, Cause.TIMEOUT})
"""Ends before which a run gets its grace; one that takes too much does not get more of it."""


@dataclass(slots=True)
class Ear:
    """Hands what the run says to the journal. A journal that does not come back holds the run up, and nothing piles up."""

    journal: Journal
    most_bytes: int
    count: int = 0
    last_error: bytes = b""
    is_flooded: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, stream: Stream, reader: asyncio.StreamReader) -> None:
        """Hear a stream out; past the limit it is read and dropped, until the run is stopped for it."""
        while data := await reader.read(CHUNK_BYTES):
            self.count += len(data)
            if stream == "stderr":
                self.last_error = (self.last_error + data)[-COMPLAINT_BYTES:]
            if self.count <= self.most_bytes:
                await self.journal.write(stream, data)
            else:
                self.is_flooded.set()

    async def until_flooded(self) -> Cause:
        await self.is_flooded.wait()
        return Cause.OUTPUT


async def attend(
    child: Child, words: bytes, *, ear: Ear, watch: Watch, limits: Limits, grace_seconds: float
) -> Cause | None:
    """Let the run begin, and come back when nothing of it is left: why we stopped it, or None when it ended by itself."""
    async with asyncio.TaskGroup() as group:
        status = group.create_task(child.listen())
        hearing = [group.create_task(ear.listen(stream, reader)) for stream, reader in child.readers.items()]
        starting = group.create_task(child.release(words))
        cause: Cause | None = None
        try:
            cause = await _until_over(group, child, ear, watch, limits.wall_seconds)
        finally:
            starting.cancel()
            await _stop(child, grace_seconds if cause in GENTLE else 0)
            await _hear_out(child, hearing)
            await status
    return cause


async def _until_over(
    group: asyncio.TaskGroup, child: Child, ear: Ear, watch: Watch, wall_seconds: float
) -> Cause | None:
    ended = group.create_task(child.process.wait())
    excesses = [group.create_task(ear.until_flooded()), group.create_task(watch.until_excess())]
    try:
        done, _ = await asyncio.wait({ended, *excesses}, timeout=wall_seconds, return_when=asyncio.FIRST_COMPLETED)
        if ended in done:
            return None
        return next((task.result() for task in excesses if task in done), Cause.TIMEOUT)
    finally:
        for task in (ended, *excesses):
            task.cancel()


async def _stop(child: Child, grace_seconds: float) -> None:
    """End what is still there."""
    try:
        if child.process.returncode is None and grace_seconds:
            child.terminate()
            async with asyncio.timeout(grace_seconds):
                await child.process.wait()
    except TimeoutError:
        pass
    finally:
        child.kill()
    await child.process.wait()


async def _hear_out(child: Child, hearing: list[asyncio.Task[None]]) -> None:
    """Take what is still in the pipes."""
    _, deaf = await asyncio.wait(hearing, timeout=DRAIN_SECONDS)
    if deaf:
        child.hang_up()
        _, deaf = await asyncio.wait(deaf, timeout=LAST_WORDS_SECONDS)
    for task in deaf:
        task.cancel()
