"""Takes work from the queue, as much as there are places for, and lets it fly."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import RunnerSettings
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import breaker, queue
from stationmaster.domains.executions.flights import Flight, Flights
from stationmaster.domains.executions.queue import Candidate, Claimed
from stationmaster.domains.executions.specs import OrderBook
from stationmaster.kit.ids import new_id

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
BATCH = 500
GATHER_SECONDS = 0.005
"""A freed place waits this long for others, so that claims come in batches."""
LAUNCHED_AT_ONCE = 25
"""Flights that begin in one turn of the event loop: each takes a quarter of a millisecond before it first waits, and
callers of the API wait for all of them."""
MOST_UNRECORDED = 2_000
"""With more results waiting to be written, nothing new is taken."""


class Claimer:
    """The claim loop of one replica."""

    def __init__(
        self,
        database: Database,
        flights: Flights,
        orders: OrderBook,
        settings: RunnerSettings,
        *,
        worker: str,
        launch: Callable[[Flight], None],
    ) -> None:
        self._database = database
        self._flights = flights
        self._orders = orders
        self._settings = settings
        self._worker = worker
        self._launch = launch
        self._is_stopped = False
        self._probes_at = 0.0

    def stop(self) -> None:
        """Take nothing more."""
        self._is_stopped = True

    async def run(self) -> None:
        """Claim until stopped, woken by new work, by freed places, and once a second."""
        async with waiting_for(self._database, Wake.QUEUE) as woken:
            while not self._is_stopped:
                woken.clear()
                asked = self._places()
                taken = await self._claim_or_wait_out(asked) if asked else 0
                if asked and taken == asked:
                    continue
                is_limited = not asked or bool(self._flights.full_hosts())
                self._flights.on_free = woken if is_limited else None
                await _wait(woken)

    def _places(self) -> int:
        if self._flights.unrecorded > MOST_UNRECORDED:
            return 0
        return min(self._flights.free, BATCH)

    async def _claim_or_wait_out(self, limit: int) -> int:
        try:
            claimed = await self._claim(limit)
        except AWAY as error:
            logger.warning("queue.unavailable", extra={"error": type(error).__name__})
            await asyncio.sleep(POLL_SECONDS)
            return 0
        return claimed

    async def _claim(self, limit: int) -> int:
        async with unit_of_work(self._database, engine=self._database.control) as session:
            full = self._flights.full_hosts()
            candidates = await queue.list_candidates(session, limit=limit, full_hosts=full)
            fitting = self._fit(candidates)
            probes = await self._probe(session)
            fitting += probes
            if not fitting:
                return 0
            flights = await self._take(session, fitting, probes)
        await self._launch_all(flights)
        return len(candidates)

    async def _launch_all(self, flights: Sequence[Flight]) -> None:
        """Register all at once, so that whoever waits for the last flight knows of them; let them begin few by few."""
        for flight in flights:
            self._flights.add(flight)
        for number, flight in enumerate(flights, 1):
            self._launch(flight)
            if number % LAUNCHED_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _probe(self, session: AsyncSession) -> list[UUID]:
        """Return one execution for each shut host that may be tried again; asked once a second, not for each batch."""
        if time.monotonic() < self._probes_at:
            return []
        self._probes_at = time.monotonic() + POLL_SECONDS
        hosts = await breaker.take_probes(session)
        return [one.id for host in hosts for one in await queue.list_probe(session, host)]

    def _fit(self, candidates: Sequence[Candidate]) -> list[UUID]:
        """Return the candidates that fit under the limit of their host; the others stay queued."""
        taken: Counter[str | None] = Counter()
        fitting = []
        for candidate in candidates:
            if taken[candidate.host] < self._flights.room_at(candidate.host):
                taken[candidate.host] += 1
                fitting.append(candidate.id)
        return fitting

    async def _take(self, session: AsyncSession, ids: list[UUID], probes: list[UUID]) -> list[Flight]:
        claimed: list[Claimed] = await queue.claim(
            session, ids, worker=self._worker, token=new_id(), lease=self._settings.lease
        )
        orders = await self._orders.load(session, {one.spec_id for one in claimed})
        return [Flight(one, orders[one.spec_id], is_probe=one.id in probes) for one in claimed]


async def _wait(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await woken.wait()
    except TimeoutError:
        return
    await asyncio.sleep(GATHER_SECONDS)
