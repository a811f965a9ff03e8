"""Counting the uses of keys: in memory, written every few seconds in one transaction.

What was counted and not yet written is lost when a replica is killed, and only that; statistics are no bill.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.session import unit_of_work
from stationmaster.domains.api_keys import repository
from stationmaster.domains.api_keys.stats import UsageStats
from stationmaster.kit import clock

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
TOP_ENDPOINTS = 10
WEEK = timedelta(days=7)
KEEP = timedelta(days=400)

Use = tuple[UUID, date, str]


class UsageCounter:
    """Counts the uses that this replica sees."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[Use] = Counter()
        self._last_used_at: dict[UUID, datetime] = {}

    def count(self, key_id: UUID, endpoint: str) -> None:
        """Count one use now; `endpoint` is the method and the route's template."""
        now = clock.now()
        self._counts[key_id, now.date(), endpoint] += 1
        self._last_used_at[key_id] = now

    async def flush(self) -> None:
        """Write what was counted; what cannot be written now is kept for the next time."""
        counts, self._counts = self._counts, Counter()
        last_used_at, self._last_used_at = self._last_used_at, {}
        if not counts:
            return
        try:
            async with unit_of_work(self._database) as session:
                await _write(session, counts, last_used_at)
        except AWAY as error:
            logger.warning("api_keys.usage_kept", extra={"error": type(error).__name__})
            self._counts.update(counts)
            self._last_used_at = {**last_used_at, **self._last_used_at}

    async def stats(self, session: AsyncSession, key_id: UUID) -> UsageStats:
        """Return the statistics of a key, with what this replica has not written yet."""
        key = await repository.find(session, key_id)
        today = clock.now().date()
        pending = {use: count for use, count in self._counts.items() if use[0] == key_id}
        stored = await repository.list_endpoints(session, key_id)
        return UsageStats(
            usage_count=(key.usage_count if key else 0) + sum(pending.values()),
            last_used_at=self._last_used_at.get(key_id, key.last_used_at if key else None),
            daily_usage=await repository.count_since(session, key_id, today) + _count_since(pending, today),
            weekly_usage=await repository.count_since(session, key_id, today - WEEK + timedelta(days=1))
            + sum(pending.values()),
            top_endpoints=_top(stored, pending),
        )


@asynccontextmanager
async def open_usage_counter(database: Database) -> AsyncIterator[UsageCounter]:
    """Give a counter that writes every few seconds, and once more at the end."""
    counter = UsageCounter(database)
    async with asyncio.TaskGroup() as group:
        flushing = group.create_task(_flush_forever(counter))
        try:
            yield counter
        finally:
            flushing.cancel()
    await counter.flush()


async def forget_old(session: AsyncSession) -> int:
    """Delete the statistics of days long ago; return how many rows. Done by a duty."""
    return await repository.delete_uses(session, before=clock.now().date() - KEEP)


async def _flush_forever(counter: UsageCounter) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await counter.flush()


async def _write(session: AsyncSession, counts: Counter[Use], last_used_at: dict[UUID, datetime]) -> None:
    existing = await repository.lock_existing(session, last_used_at)
    kept = {use: count for use, count in counts.items() if use[0] in existing}
    if not kept:
        return
    await repository.add_uses(session, kept)
    for key_id in sorted(existing):
        total = sum(count for use, count in kept.items() if use[0] == key_id)
        await repository.note_use(session, key_id, count=total, last_used_at=last_used_at[key_id])


def _count_since(pending: dict[Use, int], day: date) -> int:
    return sum(count for (_, used_on, _), count in pending.items() if used_on >= day)


def _top(stored: dict[str, int], pending: dict[Use, int]) -> list[tuple[str, int]]:
    totals = Counter(stored)
    for (_, _, endpoint), count in pending.items():
        totals[endpoint] += count
    return sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:TOP_ENDPOINTS]
