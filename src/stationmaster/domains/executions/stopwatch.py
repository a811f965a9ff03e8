"""The engine's own limit on an attempt, and how it stands still."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Runs while an attempt works. It stands still while the attempt waits in this replica for its turn."""

    def __init__(self) -> None:
        self._limit: asyncio.Timeout | None = None

    def govern(self, limit: asyncio.Timeout) -> None:
        """Stand for this limit."""
        self._limit = limit

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let no time pass for as long as the context lasts."""
        if self._limit is None or (due := self._limit.when()) is None:
            yield
            return
        left = due - asyncio.get_running_loop().time()
        self._limit.reschedule(None)
        yield  # what is cancelled meanwhile needs no limit any more
        self._limit.reschedule(asyncio.get_running_loop().time() + left)
