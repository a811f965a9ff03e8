"""Replicas of the scheduler for tests: made, run, and waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import LeaderSettings, Settings
from stationmaster.db import notify
from stationmaster.db.engine import Database
from stationmaster.entrypoints.scheduler.duties import Duty
from stationmaster.entrypoints.scheduler.leader import Elector
from stationmaster.entrypoints.scheduler.runtime import Scheduler
from tests.support.executions import eventually

MOMENT = timedelta(milliseconds=20)
QUICK = LeaderSettings(ttl=timedelta(seconds=10), renew=timedelta(milliseconds=50))


def make_scheduler(database: Database, settings: Settings, name: str = "a", *duties: Duty) -> Scheduler:
    """Make the scheduler of a replica, with these duties only."""
    return Scheduler(database, Elector(database, settings.leader, name=name, lock_file=None), settings, duties=duties)


@asynccontextmanager
async def running(*schedulers: Scheduler, listen: Database | None = None) -> AsyncIterator[None]:
    """Run schedulers, and the listener for other replicas' notices when one is asked for."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(scheduler.run()) for scheduler in schedulers]
        if listen is not None:
            tasks.append(group.create_task(notify.listen(listen)))
        await eventually(lambda: is_true(all(scheduler.is_running for scheduler in schedulers)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def is_true(value: bool) -> bool:
    return value


async def leads(scheduler: Scheduler) -> None:
    async def has_term() -> bool:
        return scheduler._elector.term() is not None

    await eventually(has_term)


class Counter:
    """A duty that counts, and fails if told to; wait until it was done often enough."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times = 0
        self._error = error

    async def work(self, session: AsyncSession) -> None:
        self.times += 1
        if self._error:
            raise self._error

    async def reaches(self, times: int) -> None:
        async def has() -> bool:
            return self.times >= times

        await eventually(has)
