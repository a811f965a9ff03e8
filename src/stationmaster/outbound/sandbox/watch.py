"""Looks at a run while it lasts, and says when it is over a limit that Linux does not keep by itself."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from stationmaster.outbound.sandbox import meter
from stationmaster.outbound.sandbox.child import Child
from stationmaster.outbound.sandbox.order import Cause, Limits

LOOK_SECONDS = 0.05
DISK_SECONDS = 0.5
EFFORT = 20
"""After a look follows a pause of at least so many times its length: a run full of processes costs no more than 5 %."""
MOST_FILES = 100_000


@dataclass(slots=True)
class Watch:
    """The watch over one run. `counts_memory` is off where a control group does it better."""

    child: Child
    work: Path
    limits: Limits
    counts_memory: bool
    threads: Executor
    peak_memory_bytes: int = 0
    cpu_seconds: float = 0
    nameless_bytes: int = 0

    async def until_excess(self) -> Cause:
        """Come back when a limit is passed, saying which."""
        async with asyncio.TaskGroup() as group:
            looks = [group.create_task(self._until(self._look, LOOK_SECONDS))]
            looks.append(group.create_task(self._until(self._look_at_disk, DISK_SECONDS)))
            done, others = await asyncio.wait(looks, return_when=asyncio.FIRST_COMPLETED)
            for other in others:
                other.cancel()
            return done.pop().result()

    async def _until(self, look: Callable[[], Cause | None], pause: float) -> Cause:
        while True:
            cause, seconds = await asyncio.get_running_loop().run_in_executor(self.threads, _timed, look)
            if cause:
                return cause
            await asyncio.sleep(max(pause, EFFORT * seconds))

    def _look(self) -> Cause | None:
        processes = self.child.processes()
        self.cpu_seconds = max(self.cpu_seconds, meter.cpu_seconds(processes))
        # Each process has the limit itself, and a second for its end.
        if self.cpu_seconds > self.limits.cpu_seconds + 1:
            return Cause.CPU
        if not self.counts_memory:
            return None
        used = meter.memory_bytes(processes, limit=self.limits.memory_bytes) + self.nameless_bytes
        self.peak_memory_bytes = max(self.peak_memory_bytes, used)
        return Cause.MEMORY if used > self.limits.memory_bytes else None

    def _look_at_disk(self) -> Cause | None:
        contents = meter.contents_of(self.work, most=MOST_FILES)
        nameless = meter.nameless_files(self.child.processes(), device=self.work.stat().st_dev)
        self.nameless_bytes = nameless.memory_bytes
        is_full = contents.size_bytes + nameless.disk_bytes > self.limits.disk_bytes
        return Cause.DISK if is_full or contents.is_too_deep or contents.count > MOST_FILES else None


def _timed(look: Callable[[], Cause | None]) -> tuple[Cause | None, float]:
    """Look, and measure it; waiting for a thread is no effort."""
    began = time.monotonic()
    return look(), time.monotonic() - began
