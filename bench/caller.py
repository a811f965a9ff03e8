"""A person at the API: how long answers take."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import aiohttp

from bench.replica import EMAIL, PASSWORD

LIST_PAUSE_SECONDS = 0.1
EXECUTE_PAUSE_SECONDS = 0.25


@dataclass
class Answers:
    """Seconds of each answer; one that is no success counts as refused."""

    lists: list[float] = field(default_factory=list)
    executes: list[float] = field(default_factory=list)
    refused: int = 0


@asynccontextmanager
async def calling(base: str, job_id: UUID) -> AsyncIterator["Caller"]:
    """Log in, and give a caller for as long as the context lasts."""
    async with aiohttp.ClientSession(base_url=base, timeout=aiohttp.ClientTimeout(total=30)) as client:
        client.headers["authorization"] = f"Bearer {await log_in(client, base)}"
        yield Caller(client, job_id)


@dataclass
class Caller:
    """Reads the newest page of executions, and asks for executions of one job, over and over."""

    client: aiohttp.ClientSession
    job_id: UUID

    @asynccontextmanager
    async def measuring(self) -> AsyncIterator[Answers]:
        """Call for as long as the context lasts."""
        answers = Answers()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._list(answers, stop))
            group.create_task(self._execute(answers, stop))
            yield answers
            stop.set()

    async def _list(self, answers: Answers, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._time("GET", "/api/v1/executions?size=50", answers.lists, answers)
            await asyncio.sleep(LIST_PAUSE_SECONDS)

    async def _execute(self, answers: Answers, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._time("POST", f"/api/v1/jobs/{self.job_id}/execute", answers.executes, answers)
            await asyncio.sleep(EXECUTE_PAUSE_SECONDS)

    async def _time(self, method: str, path: str, samples: list[float], answers: Answers) -> None:
        began = time.perf_counter()
        async with self.client.request(method, path) as response:
            await response.read()
        samples.append(time.perf_counter() - began)
        answers.refused += not response.ok


async def log_in(client: aiohttp.ClientSession, base: str) -> str:
    """Return an access token.

    Raises:
        aiohttp.ClientResponseError: refused.
    """
    body = {"email": EMAIL, "password": PASSWORD}
    async with client.post(f"{base}/api/v1/auth/login", json=body, raise_for_status=True) as response:
        token: str = (await response.json())["access_token"]
        return token
