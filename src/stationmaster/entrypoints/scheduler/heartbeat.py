"""A sign of life of our own: an address of the operator's choice is called after good ticks, so that our death is noticed.

Only the leader ticks, and only a tick that decided all that was due counts. So the sign stops when nobody schedules,
whatever the reason, and whoever listens there (a check of another Stationmaster, any dead-man service) tells.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from stationmaster.outbound.guard import Blocked, Guard
from stationmaster.outbound.http import DispatchClient, NoAnswer, open_dispatch_client

logger = logging.getLogger(__name__)

ANYWHERE = Guard(("0.0.0.0/0", "::/0"))
"""The operator chose the address, not a user."""
TIMEOUT_SECONDS = 10.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Heartbeat:
    """Calls `url` at most every `seconds`, each time because of a newer good tick.

    `last_tick` tells when that was, on the monotonic clock.
    """

    url: str
    seconds: float
    last_tick: Callable[[], float]

    async def run(self) -> None:
        """Beat until cancelled."""
        told, wait = self.last_tick(), LOOK_SECONDS
        async with open_dispatch_client(ANYWHERE, connections=1) as client:
            while True:
                await asyncio.sleep(wait)
                newest = self.last_tick()
                wait = self.seconds if newest > told else min(LOOK_SECONDS, self.seconds)
                if newest > told:
                    told = newest
                    await self._beat(client)

    async def _beat(self, client: DispatchClient) -> None:
        try:
            answer = await client.send("GET", self.url, headers={}, body=None, timeout_seconds=TIMEOUT_SECONDS)
        except (Blocked, NoAnswer, TimeoutError) as error:
            logger.warning("heartbeat.failed", extra={"error": type(error).__name__})
            return
        if answer.status >= 400:
            logger.warning("heartbeat.refused", extra={"status": answer.status})
