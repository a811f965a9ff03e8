"""The places for containers that this replica has under way at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager


class Places:
    """So many places; who finds none free waits in line.

    A container that runs already, begun by a replica that went away, takes a place at once, even one too many: to wait would
    not make it fewer. Then the next place that is given back is not given out again.
    """

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._too_many = 0

    @property
    def are_taken(self) -> bool:
        """Whether the next would have to wait."""
        return self._free.locked()

    @asynccontextmanager
    async def one(self, waiting: AbstractContextManager[None], *, at_once: bool) -> AsyncIterator[None]:
        """Hold a place as long as the context lasts; waiting for it happens inside of `waiting`."""
        if at_once and self.are_taken:
            self._too_many += 1
        else:
            with waiting:
                await self._free.acquire()
        try:
            yield
        finally:
            self._give_back()

    def _give_back(self) -> None:
        if self._too_many:
            self._too_many -= 1
        else:
            self._free.release()
