"""Stores what the journals of this replica say, many at a time."""

import asyncio
import logging
from collections.abc import Container
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, notify
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.executor import Outcome
from stationmaster.domains.executions.journals import chunks, store
from stationmaster.domains.executions.journals.attempt_journal import AttemptJournal
from stationmaster.domains.executions.journals.chunks import PARTS
from stationmaster.domains.executions.journals.files import JournalFiles
from stationmaster.domains.executions.journals.store import Batch, Written
from stationmaster.domains.executions.queue import Claimed
from stationmaster.kit.sealing import Sealer
from stationmaster.setting_groups import JournalSettings
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.02
"""What is said waits so long for company."""
RETRY_SECONDS = 0.5
MOST_PENDING = 16 << 20
"""Characters of all attempts together that may wait."""
MOST_OF_ONE = 1 << 20


class JournalWriter:
    """Collects batches of journals and writes them in one transaction."""

    def __init__(
        self,
        database: Database,
        settings: JournalSettings,
        sealer: Sealer,
        *,
        apart: asyncio.Lock | None = None,
        files: JournalFiles | None = None,
    ) -> None:
        """Make a writer. What touches executions is written inside `apart`, which keeps it from others that lock many
        executions in another order. What is stored is copied to `files`.
        """
        self._database = database
        self._sealer = sealer
        self._max_bytes = settings.max_bytes
        self.most_pending = min(MOST_OF_ONE, settings.max_bytes // PARTS)
        self._files = files
        self._apart = apart or asyncio.Lock()
        self._waiting: dict[UUID, AttemptJournal] = {}
        self._arrived = asyncio.Event()

    @property
    def is_crowded(self) -> bool:
        """Say whether all journals together wait for more than memory should hold."""
        if len(self._waiting) * self.most_pending <= MOST_PENDING:
            return False
        return sum(journal.size for journal in self._waiting.values()) > MOST_PENDING

    def open(self, claimed: Claimed) -> AttemptJournal:
        """Make the journal of an attempt; nothing is stored before something is said."""
        return AttemptJournal(self, claimed.id, claimed.number, claimed.token)

    async def complete(self, journal: AttemptJournal, outcome: Outcome, *, has_reporter: bool) -> Outcome:
        """Store the rest of what an attempt said, and return its outcome with the reported result, masked."""
        if journal.has_spoken:
            try:
                await journal.close()
            except TimeoutError:
                logger.warning("journal.not_complete", extra={"execution_id": str(journal.execution_id)})
        reported = await self._read_result(journal) if has_reporter else journal.result
        if reported is not None:
            outcome = replace(outcome, result={**(outcome.result or {}), **reported})
        if journal.is_masking:
            outcome = replace(outcome, error=journal.hide(outcome.error), result=journal.hide(outcome.result))
        return outcome

    async def resume(self, journal: AttemptJournal) -> None:
        """Learn what an earlier replica has stored of an attempt that goes on."""
        row = await self._find(journal)
        if row is not None:
            is_full = row.size_bytes > self._max_bytes // 2
            journal.go_on(batch=row.batch, consumed=row.consumed, result=row.result, is_full=is_full)

    async def _read_result(self, journal: AttemptJournal) -> dict[str, Any] | None:
        """Return what was reported as the result, by the program's output or by the API of any replica."""
        row = await self._find(journal)
        return row.result if row is not None else journal.result

    async def _find(self, journal: AttemptJournal) -> Any:
        """Return the row of the attempt's journal, or None; a database that is away is waited for, as results wait."""
        while True:
            try:
                async with read_only(self._database) as session:
                    row = await store.find_journal(session, journal.execution_id)
            except AWAY as error:
                logger.warning("journals.not_read", extra={"error": type(error).__name__})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            return row if row is not None and row.attempt == journal.attempt else None

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
            if self._files:
                await self._files.append([batches[id_] for id_ in written])
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
            written = await store.write(session, self._sealer, batches)
            if standings:
                await store.show_standings(session, standings)
            for id_, standing in written.items():
                await chunks.keep_within(session, id_, size_bytes=standing.size_bytes, max_bytes=self._max_bytes)
            notify(session, Wake.JOURNAL, about=map(str, written))
            return written | await self._find_known(session, batches, written)

    async def _find_known(
        self, session: AsyncSession, batches: list[Batch], written: Container[UUID]
    ) -> dict[UUID, Written]:
        """Find the batches that changed nothing because they were stored before: the answer to that was lost."""
        others = [batch for batch in batches if batch.execution_id not in written]
        return await store.find_stored(session, others) if others else {}
