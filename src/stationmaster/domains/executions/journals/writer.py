"""Stores what the journals of this replica say, many at a time."""

import asyncio
import logging
from collections.abc import Container
from contextlib import nullcontext
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, notify
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.journals import store
from stationmaster.domains.executions.journals.attempt_journal import MOST_PENDING as MOST_OF_ONE
from stationmaster.domains.executions.journals.attempt_journal import AttemptJournal
from stationmaster.domains.executions.journals.store import Batch, Written
from stationmaster.setting_groups import JournalSettings
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.02
"""What is said waits so long for company."""
RETRY_SECONDS = 0.5
MOST_PENDING = 16 << 20
"""Characters of all attempts together that may wait."""
SLACK = 1 << 20
"""A journal may be so much longer than its cap before its middle is forgotten: in pieces, not with each batch."""


class JournalWriter:
    """Collects batches of journals and writes them in one transaction."""

    def __init__(self, database: Database, settings: JournalSettings, *, apart: asyncio.Lock | None = None) -> None:
        """Make a writer. What touches executions is written inside `apart`, which keeps it from others that lock many
        executions in another order.
        """
        self._database = database
        self._max_bytes = settings.max_bytes
        self._apart = apart or asyncio.Lock()
        self._waiting: dict[UUID, AttemptJournal] = {}
        self._arrived = asyncio.Event()

    @property
    def is_crowded(self) -> bool:
        """Say whether all journals together wait for more than memory should hold."""
        if len(self._waiting) * MOST_OF_ONE <= MOST_PENDING:
            return False
        return sum(journal.size for journal in self._waiting.values()) > MOST_PENDING

    def announce(self, journal: AttemptJournal) -> None:
        """Note that a journal has something to store."""
        self._waiting[journal.execution_id] = journal
        self._arrived.set()

    async def run(self) -> None:
        """Write what arrives, for ever."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(BEAT_SECONDS)
            self._arrived.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write all that waits; come back when it is written."""
        waiting, self._waiting = self._waiting, {}
        batches = {id_: batch for id_, journal in waiting.items() if (batch := journal.take_batch())}
        while batches:
            try:
                written = await self._write(list(batches.values()))
            except AWAY as error:
                logger.warning("journals.not_written", extra={"count": len(batches), "error": type(error).__name__})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for id_ in batches:
                self._tell(waiting[id_], written.get(id_))
            return

    def _tell(self, journal: AttemptJournal, written: Written | None) -> None:
        if written is None:
            journal.abandon()
            metrics.stale_writes.labels("journal").inc()
        else:
            journal.confirm(is_full=written.size_bytes > self._max_bytes // 2)

    async def _write(self, batches: list[Batch]) -> dict[UUID, Written]:
        standings = [batch.standing for batch in batches if batch.standing]
        async with self._apart if standings else nullcontext(), unit_of_work(self._database) as session:
            written = await store.write(session, batches)
            if standings:
                await store.show_standings(session, standings)
            for id_, standing in written.items():
                if standing.size_bytes > self._max_bytes + SLACK:
                    await self._shorten(session, id_)
            notify(session, Wake.JOURNAL, about=map(str, written))
            return written | await self._find_known(session, batches, written)

    async def _shorten(self, session: AsyncSession, execution_id: UUID) -> None:
        half = self._max_bytes // 2
        await store.forget_middle(session, execution_id, head_bytes=half, tail_bytes=half)

    async def _find_known(
        self, session: AsyncSession, batches: list[Batch], written: Container[UUID]
    ) -> dict[UUID, Written]:
        """Find the batches that changed nothing because they were stored before: the answer to that was lost."""
        others = [batch for batch in batches if batch.execution_id not in written]
        return await store.find_stored(session, others) if others else {}
