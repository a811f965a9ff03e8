"""Copies of what executions say, as text: one file each, under the date on which the execution was queued.

A path is made of nothing but the execution's id. The lines come here once they are stored, masked; files whose journal is
not kept any more, for whatever reason, are removed: at once when somebody's data were erased, and else within an hour.
"""

import asyncio
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import read_only
from stationmaster.domains.executions.journals.entry import Kind
from stationmaster.domains.executions.journals.models import Journal
from stationmaster.domains.executions.journals.store import Batch

logger = logging.getLogger(__name__)

FOLDER = "logs"
"""In DATA_DIR."""
SWEEP_SECONDS = 3600
IDS_AT_ONCE = 500
FULL = "[The rest is not in this file: it has its greatest length.]\n"

_journals = table_of(Journal)


@dataclass(frozen=True)
class JournalFiles:
    """The files of one replica."""

    folder: Path
    max_bytes: int

    def path_of(self, execution_id: UUID) -> Path:
        """Return where the lines of an execution are."""
        queued_at = datetime.fromtimestamp((execution_id.int >> 80) / 1000, UTC)
        return self.folder / queued_at.date().isoformat() / f"{execution_id}.log"

    async def append(self, batches: Sequence[Batch]) -> None:
        """Append the lines of batches that are stored, off the event loop; a disk that fails holds nobody up."""
        with_lines = [batch for batch in batches if batch.lines]
        if with_lines:
            await asyncio.to_thread(self._append_all, with_lines)

    def _append_all(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            try:
                self._append(batch)
            except OSError as error:
                facts = {"execution_id": str(batch.execution_id), "error": error.strerror}
                logger.warning("journals.file_not_written", extra=facts)

    def _append(self, batch: Batch) -> None:
        path = self.path_of(batch.execution_id)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            if file.tell() > self.max_bytes:
                return
            file.write("".join(_write_lines(batch.body)).encode("utf-8", "replace"))
            if file.tell() > self.max_bytes:
                file.write(FULL.encode())


def _write_lines(body: str) -> Iterator[str]:
    for at_ms, kind, stream, _level, values in json.loads(body):
        if kind != Kind.OUTPUT:
            continue
        at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for line in values:
            yield f"{at} {stream} {line}\n"


@dataclass(frozen=True)
class FileSweeper:
    """Removes the files of this replica that have no journal any more."""

    database: Database
    folder: Path

    async def run(self) -> None:
        """Look at each erasure and every hour, for ever; also for files of a time when they were still switched on."""
        async with waiting_for(self.database, Wake.ERASED) as erased:
            while True:
                erased.clear()
                try:
                    await self.sweep()
                except (OSError, *AWAY) as error:
                    logger.warning("journals.files_not_swept", extra={"error": type(error).__name__})
                with suppress(TimeoutError):
                    await asyncio.wait_for(erased.wait(), SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Remove what is to go, and return how many files that were."""
        found = iter(await asyncio.to_thread(lambda: list(self._find())))
        removed = 0
        while some := dict(islice(found, IDS_AT_ONCE)):
            gone = some.keys() - await self._find_kept(list(some))
            await asyncio.to_thread(_remove, [some[id_] for id_ in gone])
            removed += len(gone)
        return removed

    def _find(self) -> Iterator[tuple[UUID, Path]]:
        for path in self.folder.glob("????-??-??/*.log"):
            with suppress(ValueError):  # not one of ours
                yield UUID(path.stem), path

    async def _find_kept(self, ids: list[UUID]) -> set[UUID]:
        async with read_only(self.database) as session:
            statement = sa.select(_journals.c.execution_id).where(_journals.c.execution_id.in_(ids))
            return set(await session.scalars(statement))


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # others are still in it
            path.parent.rmdir()
