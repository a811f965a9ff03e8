"""Drives the election, the tick and the duties by APScheduler.

The tick is woken by whichever comes first: the earliest planned slot, a notice that something changed, or a second.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.leases import StaleTerm
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions import service as executions
from stationmaster.domains.jobs import tick as ticking
from stationmaster.entrypoints.scheduler.duties import DUTIES, Duty
from stationmaster.entrypoints.scheduler.leader import Elector
from stationmaster.kit import clock
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=1)
COUNT_EVERY = timedelta(seconds=10)
SHORTEST_WAIT_SECONDS = 0.002
"""The database's clock may be a little behind ours: look again this much later rather than in a circle."""
END_SECONDS = 2.0
"""How long the end waits for what the timer has begun."""

Work = Callable[[], Awaitable[None]]


class Scheduler:
    """The scheduler of one replica."""

    def __init__(
        self, database: Database, elector: Elector, settings: Settings, *, duties: Sequence[Duty] = DUTIES
    ) -> None:
        self._database = database
        self._elector = elector
        self._settings = settings
        self._duties = duties
        self._ticking = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._is_stopped = False
        self._is_wanted = False
        self.is_running = False
        self.planned_jobs = 0
        """How many jobs have a slot to come, when last counted."""
        self.last_good_tick = 0.0
        """When this replica last decided all that was due, on the monotonic clock."""
        self._timer = AsyncIOScheduler(
            timezone=UTC,
            # What is late is done late; whether a slot is too late is the job's policy, not the timer's.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    async def run(self) -> None:
        """Work until cancelled."""
        async with waiting_for(self._database, Wake.TICK) as woken:  # before we stand: who begins to lead is woken
            await self._start()
            self.is_running = True
            try:
                await self._tick_when_woken(woken)
            finally:
                self.is_running = False
                await self._end()

    async def _start(self) -> None:
        if self._settings.scheduler_enabled:
            self._repeat("stand", self._settings.leader.renew, self._stand)
            self._repeat("look", LOOK_EVERY, self._tick)
            await self._stand()
        for duty in self._duties:
            self._repeat(duty.name, duty.every, partial(self._do, duty))
        self._repeat("count", COUNT_EVERY, self._count, next_run_time=clock.now())
        self._timer.start()

    def _repeat(self, name: str, every: timedelta, work: Work, **options: Any) -> None:
        seconds = every.total_seconds()
        self._timer.add_job(self._own, "interval", args=[work], seconds=seconds, name=name, **options)

    async def _own(self, work: Work) -> None:
        """Do what the timer asks for, as a task of ours: at its end the timer would cancel it and not look back."""
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            await work()
        finally:
            self._under_way.discard(task)

    async def _end(self) -> None:
        """Begin nothing more, and give what is under way the time to end."""
        self._timer.pause()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=END_SECONDS)
        self._timer.shutdown(wait=False)

    async def stop_ticking(self) -> None:
        """Begin no further tick, and come back when the one under way has ended."""
        self._is_stopped = True
        async with self._ticking:
            return

    async def _tick_when_woken(self, woken: asyncio.Event) -> None:
        while True:
            await woken.wait()
            woken.clear()
            if self._settings.scheduler_enabled and not self._is_stopped:
                await self._stand()
                await self._tick()

    async def _stand(self) -> None:
        if not self._is_stopped:
            await self._elector.stand()

    async def _count(self) -> None:
        try:
            async with read_only(self._database) as session:
                self.planned_jobs = await ticking.count_planned_jobs(session)
        except AWAY as error:
            logger.warning("count.failed", extra={"error": type(error).__name__})

    async def _tick(self) -> None:
        """Decide all that is due, if we lead, and set the timer to the next slot.

        Asked for while a tick is under way, it runs once more afterwards: the one under way may have read already.
        """
        self._is_wanted = True
        if self._ticking.locked():
            return
        async with self._ticking:
            while self._is_wanted and not self._is_stopped:
                self._is_wanted = False
                await self._decide_or_log()

    async def _decide_or_log(self) -> None:
        try:
            await self._decide_all()
        except StaleTerm as error:
            logger.warning("tick.stale_term", extra={"error": str(error)})
            metrics.stale_writes.labels("tick").inc()
            self._elector.demote()
        except AWAY as error:
            logger.warning("tick.failed", extra={"error": type(error).__name__, "detail": str(error)[:500]})

    async def _decide_all(self) -> None:
        began = time.monotonic()
        decided = ticking.BATCH
        while decided >= ticking.BATCH:
            term = self._elector.term()
            if term is None:
                return
            async with unit_of_work(self._database, engine=self._database.control) as session:
                decided = await ticking.tick(session, term)
                if decided < ticking.BATCH:
                    await ticking.end_pauses(session)
                    await executions.release_held(session)
                    self._aim(await ticking.seconds_to_next(session))
        self.last_good_tick = time.monotonic()
        metrics.tick_seconds.observe(self.last_good_tick - began)

    def _aim(self, seconds: float | None) -> None:
        """Set the timer to the next slot, if that comes before the next look."""
        if seconds is None or seconds > LOOK_EVERY.total_seconds():
            return
        at = clock.now() + timedelta(seconds=max(seconds, SHORTEST_WAIT_SECONDS))
        self._timer.add_job(self._own, "date", args=[self._tick], run_date=at, id="next_slot", replace_existing=True)

    async def _do(self, duty: Duty) -> None:
        if self._is_stopped or (duty.leader_only and self._elector.term() is None):
            return  # what is begun after the signal would only be cut off, in the middle of its transaction
        try:
            async with unit_of_work(self._database) as session:
                await duty.work(session)
        except AWAY as error:
            logger.warning("duty.failed", extra={"duty": duty.name, "error": type(error).__name__})
