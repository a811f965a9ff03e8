"""The working part of a replica: claims work, has it done, keeps the leases alive.

- the claimer takes what is due while there are places, commits, and launches a flight for each;
- the recorder writes down how flights ended;
- the heartbeat renews all leases in one statement. What does not come back is no longer ours: those flights are stopped and
  say nothing. If the database cannot be asked for nearly a whole lease, by our own monotonic clock, all of them are;
- the cancel loop stops flights whose end was asked for.
Nothing here holds a transaction while a flight is under way.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import partial

from stationmaster.config import RunnerSettings
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions import queue, workers
from stationmaster.domains.executions.attempt import fly
from stationmaster.domains.executions.claimer import Claimer
from stationmaster.domains.executions.desk import FlightDesk
from stationmaster.domains.executions.executor import Executor
from stationmaster.domains.executions.flights import Flight, Flights, Stop, stop
from stationmaster.domains.executions.journals.files import JournalFiles
from stationmaster.domains.executions.journals.writer import JournalWriter
from stationmaster.domains.executions.recorder import Recorder
from stationmaster.domains.executions.report_tokens import ReportTokens
from stationmaster.domains.executions.specs import OrderBook
from stationmaster.kit.sealing import Sealer
from stationmaster.setting_groups import JournalSettings

logger = logging.getLogger(__name__)

HEARTBEATS_PER_LEASE = 3
SAFETY_SECONDS = 2.0
"""Our flights stop this long before others could take over the lease; of a short lease a heartbeat's length before."""


class Runner:
    """The worker of one replica."""

    def __init__(
        self,
        database: Database,
        *,
        executors: Mapping[str, Executor],
        sealer: Sealer,
        tokens: ReportTokens,
        settings: RunnerSettings,
        journal: JournalSettings | None = None,
        journal_files: JournalFiles | None = None,
        name: str,
        host_limits: Mapping[str, int] | None = None,
    ) -> None:
        self._database = database
        self._executors = executors
        self._settings = settings
        self._name = name
        self.flights = Flights(settings.concurrency, settings.per_host, host_limits or {})
        self._recorder = Recorder(database, self.flights, settings, worker=name)
        self._limits = journal or JournalSettings()
        self._journals = JournalWriter(
            database, self._limits, sealer, apart=self._recorder.pause(), files=journal_files
        )
        self._tokens = tokens
        self._claimer = Claimer(database, self.flights, OrderBook(sealer), settings, worker=name, launch=self._launch)
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Work until cancelled; `drain` is the polite end."""
        async with asyncio.TaskGroup() as self._group:
            self._group.create_task(self._recorder.run())
            self._group.create_task(self._journals.run())
            self._group.create_task(self._heartbeat_loop())
            self._group.create_task(self._cancel_loop())
            self._group.create_task(self._claimer.run())

    def _launch(self, flight: Flight) -> None:
        assert self._group is not None
        executor = self._executors[flight.claimed.kind]
        desk = FlightDesk(
            self._database,
            flight.claimed,
            self._tokens,
            limits=self._limits,
            on_aside=partial(self.flights.set_aside, flight),
        )
        work = fly(flight, executor, desk, self._journals, flights=self.flights, recorder=self._recorder)
        self._group.create_task(work)

    def stop_claiming(self) -> None:
        """Take nothing new from now on."""
        self._claimer.stop()

    async def drain(self) -> None:
        """Take nothing new; give what is under way its time; hand the rest to the others at once."""
        self.stop_claiming()
        try:
            async with asyncio.timeout(self._settings.drain.total_seconds()):
                await self.flights.empty()
        except TimeoutError:
            logger.warning("runner.abandons", extra={"count": len(self.flights.all())})
        try:
            await self._hand_over()
        except AWAY as error:
            logger.warning("runner.left_unsaid", extra={"error": type(error).__name__})

    async def _hand_over(self) -> None:
        """Stop what is still under way, end its leases, and sign off."""
        tokens = self.flights.tokens()
        stop(self.flights.all(), Stop.DISOWNED)
        async with unit_of_work(self._database) as session:
            if tokens:
                await queue.hand_back(session, tokens)
                await queue.expire(session, tokens)
            await workers.sign_off(session, self._name)

    async def _heartbeat_loop(self) -> None:
        pause = self._settings.lease.total_seconds() / HEARTBEATS_PER_LEASE
        trusted_until = self._trust(time.monotonic())
        while True:
            asked_at = time.monotonic()
            try:
                async with asyncio.timeout(pause):
                    await self._beat()
                trusted_until = self._trust(asked_at)
            except AWAY as error:
                logger.warning("heartbeat.failed", extra={"error": type(error).__name__})
            if time.monotonic() > trusted_until:
                stop(self.flights.all(), Stop.DISOWNED)
            await asyncio.sleep(max(0.1, pause - (time.monotonic() - asked_at)))

    def _trust(self, asked_at: float) -> float:
        lease = self._settings.lease.total_seconds()
        return asked_at + lease - min(SAFETY_SECONDS, lease / HEARTBEATS_PER_LEASE)

    async def _beat(self) -> None:
        async with self._recorder.pause(), unit_of_work(self._database, engine=self._database.control) as session:
            before = self.flights.all()
            await workers.report(session, self._name, in_flight=self.flights.busy)
            ours = await queue.renew(session, tokens=self.flights.tokens(), lease=self._settings.lease)
            await self._recorder.look_at_gates(session)
        stop((flight for flight in before if flight.claimed.id not in ours), Stop.DISOWNED)
        stop((flight for flight in before if ours.get(flight.claimed.id)), Stop.REQUESTED)

    async def _cancel_loop(self) -> None:
        async with waiting_for(self._database, Wake.CANCEL) as woken:
            while True:
                await woken.wait()
                woken.clear()
                try:
                    async with read_only(self._database) as session:
                        asked = await queue.find_cancelled(session, self.flights.tokens())
                    stop(self.flights.find(asked), Stop.REQUESTED)
                except AWAY as error:
                    logger.warning("cancel.delayed", extra={"error": type(error).__name__})
