"""What works by itself in one replica, and how it comes to its end."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.db import notify
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.domains.auth.mail_clerk import MailClerk
from stationmaster.domains.executions.aftermath import Aftermath
from stationmaster.domains.executions.runner import Runner
from stationmaster.domains.outbox.delivery import Courier
from stationmaster.domains.outbox.models import Channel
from stationmaster.entrypoints.hands import Hand
from stationmaster.entrypoints.health import SchedulerStatus
from stationmaster.entrypoints.scheduler.heartbeat import Heartbeat
from stationmaster.entrypoints.scheduler.leader import Elector
from stationmaster.entrypoints.scheduler.runtime import Scheduler

logger = logging.getLogger(__name__)


@dataclass
class Station:
    """What works by itself in one replica."""

    database: Database
    elector: Elector
    scheduler: Scheduler
    runner: Runner
    aftermath: Aftermath
    couriers: Sequence[Courier]
    hands: Mapping[str, Hand]
    settings: Settings

    def status(self) -> SchedulerStatus:
        term = self.elector.term()
        return SchedulerStatus(
            leader=term is not None,
            epoch=term.epoch if term else None,
            running=self.scheduler.is_running,
            jobs=self.scheduler.planned_jobs,
        )

    @asynccontextmanager
    async def run(self, app: FastAPI) -> AsyncIterator[None]:
        """Work until the context ends, or until `app.state.stopping` is set and then the context ends."""
        app.state.draining = False
        app.state.stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(_supervise(app, name, work)) for name, work in self._works().items()}
            leaving = group.create_task(self._leave(app))
            try:
                yield
            finally:
                app.state.stopping.set()
                await leaving
                if self.settings.runner.enabled:
                    await self.runner.drain()
                await _end(tasks.pop("scheduler"))
                for task in tasks.values():
                    task.cancel()

    def _works(self) -> dict[str, Coroutine[Any, Any, None]]:
        works: dict[str, Coroutine[Any, Any, None]] = {
            "notices": notify.listen(self.database),
            "scheduler": self.scheduler.run(),
            "aftermath": self.aftermath.run(),
        }
        for courier in self.couriers:
            works[f"outbox {courier.carrier.channel}"] = courier.run()
            if courier.carrier.channel is Channel.EMAIL:
                works["mail requests"] = MailClerk(self.database, courier.outbox).run()
        if self.settings.runner.enabled:
            works["runner"] = self.runner.run()
        if self.settings.heartbeat_url:
            works["heartbeat"] = self._heartbeat(self.settings.heartbeat_url.get_secret_value()).run()
        works |= {name: hand.run() for name, hand in self.hands.items()}
        return works

    def _heartbeat(self, url: str) -> Heartbeat:
        seconds = self.settings.heartbeat_interval.total_seconds()
        return Heartbeat(url, seconds, lambda: self.scheduler.last_good_tick)

    async def _leave(self, app: FastAPI) -> None:
        """At the signal: be ready no more, claim no more, lead no more."""
        await app.state.stopping.wait()
        app.state.draining = True
        notify.wake_all(self.database)  # streams see that it ends
        self.runner.stop_claiming()
        await self.scheduler.stop_ticking()
        try:
            await self.elector.resign()
        except AWAY as error:
            logger.warning("leader.not_resigned", extra={"error": type(error).__name__})


async def _end(task: asyncio.Task[None]) -> None:
    """End the scheduler first: its last duties may wait for a connection of works that, cut off, give none back."""
    task.cancel()
    await asyncio.wait([task])


async def _supervise(app: FastAPI, name: str, work: Coroutine[Any, Any, None]) -> None:
    """Run what must never end. If it does, stop the whole replica: half a service helps nobody, a restart does.

    Whoever started the process reads `app.state.failed_part`, to tell this end from a wanted one.
    """
    try:
        await work
    except Exception:  # the outermost loop of the process
        logger.critical("service.part_failed", extra={"part": name}, exc_info=True)
        app.state.failed_part = name
        if not app.state.stopping.is_set():  # a second signal would cut the end short
            app.state.stopping.set()
            os.kill(os.getpid(), signal.SIGTERM)
