"""Writes down how attempts ended, many at a time.

Results wait up to `BEAT_SECONDS` for company and are then written in one transaction. A transaction whose answer was lost is
tried again until the database says something: rows that were written the first time no longer match (attempt and token),
so the second time changes nothing. Results of executions that are no longer ours match nothing either, and are dropped.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import RunnerSettings
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, notify
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import breaker, queue
from stationmaster.domains.executions.flights import Flight, Flights
from stationmaster.domains.executions.queue import Result
from stationmaster.domains.executions.states import TERMINAL
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.01
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Ending:
    """A result and what it says about the host that was called."""

    flight: Flight
    result: Result
    is_host_unwell: bool


class Recorder:
    """Collects endings and writes them in batches."""

    def __init__(self, database: Database, flights: Flights, settings: RunnerSettings, *, worker: str) -> None:
        self._database = database
        self._flights = flights
        self._settings = settings
        self._worker = worker
        self._endings: list[Ending] = []
        self._arrived = asyncio.Event()
        self._unwell_hosts: set[str] = set()
        self._writing = asyncio.Lock()

    def pause(self) -> asyncio.Lock:
        """Hold writing back for the length of a context.

        The heartbeat updates the same rows; two transactions that update many rows in different orders can block each
        other, and PostgreSQL needs a second to notice.
        """
        return self._writing

    def put(self, ending: Ending) -> None:
        self._endings.append(ending)
        self._arrived.set()

    async def run(self) -> None:
        """Write what arrives, for ever."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(BEAT_SECONDS)
            self._arrived.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write all that has arrived; come back when it is written."""
        endings, self._endings = self._endings, []
        while endings:
            try:
                async with self._writing:
                    written = await self._write(endings)
            except AWAY as error:
                logger.warning("results.not_written", extra={"count": len(endings), "error": type(error).__name__})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._account(endings, written)
            return

    async def _write(self, endings: list[Ending]) -> dict[UUID, bool]:
        async with unit_of_work(self._database, engine=self._database.control) as session:
            written = await queue.finish(session, [ending.result for ending in endings], worker=self._worker)
            await self._tell_gates(session, endings)
            if any(ending.flight.order.frees_others for ending in endings):
                notify(session, Wake.TICK)
            notify(session, Wake.JOURNAL, about=self._watched(endings))
            if any(written.values()):
                notify(session, Wake.ENDED)
        return written

    def _watched(self, endings: list[Ending]) -> list[UUID]:
        """Return the executions that somebody watches here; those who watch elsewhere look again by themselves."""
        if not any(wake == Wake.JOURNAL for wake, _ in self._database.waiters):
            return []
        ids = [ending.result.id for ending in endings]
        return [id_ for id_ in ids if (Wake.JOURNAL, str(id_)) in self._database.waiters]

    async def _tell_gates(self, session: AsyncSession, endings: list[Ending]) -> None:
        failures = Counter(e.flight.claimed.host for e in endings if e.is_host_unwell and e.flight.claimed.host)
        answered = {e.flight.claimed.host for e in endings if not e.is_host_unwell and e.flight.claimed.host}
        probed = {e.flight.claimed.host for e in endings if e.flight.is_probe}
        if failures or answered & (self._unwell_hosts | probed):
            await breaker.clear(session, {host for host in answered if host})
            only_failed = {str(host): count for host, count in failures.items() if host not in answered}
            await breaker.count_failures(session, only_failed, self._settings)
            self._unwell_hosts |= set(only_failed)

    async def look_at_gates(self, session: AsyncSession) -> None:
        """Learn which hosts have failures on record, so that a success is told only where it matters."""
        self._unwell_hosts = await breaker.list_hosts(session)

    def _account(self, endings: list[Ending], written: Collection[UUID]) -> None:
        self._flights.forget(ending.result.id for ending in endings)
        for ending in endings:
            if ending.result.id not in written:
                metrics.stale_writes.labels("result").inc()
                continue
            if ending.result.state in TERMINAL:
                metrics.executions_finished.labels(ending.flight.claimed.kind, ending.result.state.value).inc()
