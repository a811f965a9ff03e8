"""Looks at runs, those of one repository together.

A board is shared by all attempts that follow runs of one repository with one token. Whoever comes first after the interval
asks GitHub for the newest runs, the others read what it said. So a thousand runs of a repository cost one request an
interval, and one that GitHub answers with "unchanged" costs nothing of the limit.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from stationmaster.domains.executions.kinds.github.api import GithubApi, Unreachable
from stationmaster.domains.executions.kinds.github.reading import Run, read_run, read_runs

PAGE = 50
SECONDS_PER_BOARD = 1.5
"""With many repositories each waits longer: 2,400 looks an hour for a token, of the 5,000 that it has."""


class Gone(Exception):
    """There is no such run (any more), or the token may not see it."""


@dataclass(slots=True)
class Board:
    """The newest runs of a repository, as GitHub told them last."""

    api: GithubApi
    repository: str
    token: str
    interval_seconds: float
    followers: int = 0
    _runs: dict[int, Run] = field(default_factory=dict)
    _looked_at: float = float("-inf")
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self, run_id: int) -> Run:
        """Return how a run stands; not older than the interval.

        Raises:
            Gone, Unreachable, RateLimited
        """
        async with self._looking:
            if time.monotonic() - self._looked_at >= self.interval_seconds:
                self._runs = {run.id: run for run in await self.list_newest()}
                self._looked_at = time.monotonic()
        return self._runs.get(run_id) or await self._look_alone(run_id)

    async def list_newest(self) -> list[Run]:
        """Ask for the newest runs that were dispatched.

        Raises:
            Gone, Unreachable, RateLimited
        """
        query: dict[str, str | int] = {"event": "workflow_dispatch", "per_page": PAGE, "exclude_pull_requests": "true"}
        reply = await self.api.get(f"/repos/{self.repository}/actions/runs", token=self.token, query=query)
        if reply.status != 200:
            raise _error(reply.status, reply.message)
        return read_runs(reply.data)

    async def _look_alone(self, run_id: int) -> Run:
        reply = await self.api.get(f"/repos/{self.repository}/actions/runs/{run_id}", token=self.token)
        run = read_run(reply.data) if reply.status == 200 else None
        if run is None:
            raise _error(reply.status, reply.message)
        return run


def _error(status: int, message: str) -> Exception:
    text = f"GitHub answered {status}: {message}."
    return Gone(text) if status in {401, 403, 404, 410} else Unreachable(text)


@dataclass(slots=True)
class Boards:
    """The boards that somebody looks at now."""

    api: GithubApi
    interval_seconds: float
    _boards: dict[tuple[str, str], Board] = field(default_factory=dict)

    @contextmanager
    def of(self, repository: str, token: str) -> Iterator[Board]:
        """Give the board of a repository for as long as the context lasts."""
        key = (repository.lower(), token)
        board = self._boards.setdefault(key, Board(self.api, repository, token, self.interval_seconds))
        board.followers += 1
        self._share(token)
        try:
            yield board
        finally:
            board.followers -= 1
            if not board.followers:
                del self._boards[key]
                self._share(token)

    def _share(self, token: str) -> None:
        """Let the boards of a token share what it may ask."""
        boards = [board for (_, each), board in self._boards.items() if each == token]
        for board in boards:
            board.interval_seconds = max(self.interval_seconds, len(boards) * SECONDS_PER_BOARD)
