"""Somebody who asks for executions while everything breaks, and remembers what was promised."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

import aiohttp

from bench.caller import log_in
from bench.faults.cluster import Cluster

PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 5


@dataclass
class Customer:
    """Asks each replica that is up in turn. What is answered by 202 is a promise; anything else is none."""

    cluster: Cluster
    job_id: UUID
    promised: set[str] = field(default_factory=set)
    refused: int = 0
    _token: str = ""

    async def ask(self) -> None:
        """Ask twice a second, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            turn = 0
            while True:
                await asyncio.sleep(PAUSE_SECONDS)
                up, turn = self.cluster.up(), turn + 1
                if up:
                    await self._ask_once(client, up[turn % len(up)].replica.base)

    async def _ask_once(self, client: aiohttp.ClientSession, base: str) -> None:
        try:
            if not self._token:
                self._token = await log_in(client, base)
            url = f"{base}/api/v1/jobs/{self.job_id}/execute"
            async with client.post(url, headers={"authorization": f"Bearer {self._token}"}) as response:
                if response.status == 202:
                    self.promised.add((await response.json())["id"])
                    return
                if response.status == 401:
                    self._token = ""
        except (aiohttp.ClientError, TimeoutError):
            pass
        self.refused += 1
