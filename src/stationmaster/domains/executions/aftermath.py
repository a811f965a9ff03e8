"""What follows when an execution has ended: others are told, once.

An execution that somebody waits for is made with `is_watched`. However it ends (finished, rescued, cancelled, skipped), its
row says that something is still to be done: it is final, and the flag stands. This loop finds such rows by a small partial
index, hands them to the followers that the lifespan collected from the rooms above, and clears the flag. What the followers
write (messages, next executions, steps) and the flag are one transaction, so a crash at any instant repeats all of it or
nothing. Rows that nobody watches cost nothing, and no statement that ends an execution needs to know of followers.

Only one replica at a time does it, in the order in which executions ended, so that a follower sees a job's failures and
recoveries as they were.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.field_kind import equals_choice
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import unit_of_work
from stationmaster.db.statements import dialect_of
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import ACTIVE
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)
_executions = table_of(Execution)

BATCH = 200
POLL_SECONDS = 1.0
FAULTS = (IntegrityError, DataError, ProgrammingError)
"""What the database says of a wrong statement, and would say of it again."""
TURN_LOCK = 7_402
"""Number of the advisory lock that lets one replica at a time follow (PostgreSQL; SQLite has one writer)."""


class Follower(Protocol):
    """What a room does about executions that have ended."""

    name: str

    async def follow(self, session: AsyncSession, ended: Sequence[Execution]) -> None:
        """Write what follows from these ends, those of any kind and job among them; the caller commits.

        May be given the same end again only if nothing of the first time was kept.
        """


class Aftermath:
    """The loop of one replica."""

    def __init__(self, database: Database, followers: Sequence[Follower]) -> None:
        self._database = database
        self._followers = followers

    async def run(self) -> None:
        """Follow what ends, for ever."""
        async with waiting_for(self._database, Wake.ENDED) as woken:
            while True:
                woken.clear()
                if await self._follow_or_log() < BATCH:
                    await _wait(woken)

    async def _follow_or_log(self) -> int:
        try:
            async with unit_of_work(self._database) as session:
                return await follow_up(session, self._followers)
        except AWAY as error:
            logger.warning("aftermath.delayed", extra={"error": type(error).__name__})
            return 0


async def follow_up(session: AsyncSession, followers: Sequence[Follower]) -> int:
    """Tell the followers of a batch of ends; return how many there were."""
    if not await _take_turn(session):
        return 0
    ended = list(await session.scalars(_select_ended()))
    if not ended:
        return 0
    for execution in ended:
        session.expunge(execution)  # a follower that fails takes its savepoint back, and may not take these along
    for follower in followers:
        await _tell(session, follower, ended)
    ids = [execution.id for execution in ended]
    await session.execute(sa.update(Execution).where(col(Execution.id).in_(ids)).values(is_watched=False))
    return len(ended)


async def _tell(session: AsyncSession, follower: Follower, ended: Sequence[Execution]) -> None:
    """Tell one follower of many ends; if it fails, of each alone, so that one bad end does not hide the others."""
    if await _try(session, follower, ended) or len(ended) == 1:
        return
    for execution in ended:
        await _try(session, follower, [execution])


async def _try(session: AsyncSession, follower: Follower, ended: Sequence[Execution]) -> bool:
    try:
        async with session.begin_nested():
            await follower.follow(session, ended)
    except Exception as error:  # a room's own fault must not keep the other rooms from hearing
        if isinstance(error, AWAY) and not isinstance(error, FAULTS):
            raise
        if len(ended) == 1:
            metrics.followers_failed.labels(follower.name).inc()
            logger.exception("follower.failed", extra={"follower": follower.name, "execution_id": str(ended[0].id)})
        return False
    return True


async def _take_turn(session: AsyncSession) -> bool:
    if dialect_of(session) == "sqlite":
        return True
    return bool(await session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(TURN_LOCK))))


def _select_ended() -> Any:
    return (
        select(Execution)
        .where(col(Execution.is_watched), *(~equals_choice(_executions.c.state, state) for state in ACTIVE))
        .order_by(col(Execution.finished_at), col(Execution.id))
        .limit(BATCH)
    )


async def _wait(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await woken.wait()
    except TimeoutError:
        return
