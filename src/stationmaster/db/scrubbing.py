"""Taking what was erased out of SQLite's write-ahead log: the pages as they were stand there until it is written anew.

In the file itself `secure_delete` overwrites what is deleted (https://www.sqlite.org/pragma.html#pragma_secure_delete), but
not what pages kept when they were divided or joined. Only VACUUM takes those bytes out. It is not done here, because it would
hold up all writers for as long as it takes to copy the file.
PostgreSQL has its own ways: vacuum overwrites dead rows, and its log is recycled; neither is asked for here.
"""

import asyncio
import logging
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import make_url

from stationmaster.db.engine import Database
from stationmaster.db.notify import Wake, waiting_for

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
"""Until the next try, when somebody was reading what had been there before."""
BUSY_SECONDS = 1.0
"""How long writers are kept waiting for readers."""


@dataclass(frozen=True)
class Scrubber:
    """Empties the write-ahead log after each erasure, and once at the start: the one before may have died over it."""

    database: Database

    async def run(self) -> None:
        """Work for ever."""
        async with waiting_for(self.database, Wake.ERASED) as erased:
            while True:
                erased.clear()
                seconds = None if await self._scrub() else AGAIN_SECONDS
                with suppress(TimeoutError):
                    await asyncio.wait_for(erased.wait(), seconds)

    async def _scrub(self) -> bool:
        try:
            return await scrub(self.database)
        except sqlite3.OperationalError as error:
            logger.warning("scrubbing.failed", extra={"error": str(error)})
            return False


async def scrub(database: Database) -> bool:
    """Empty the write-ahead log; say False when readers or writers did not let it.

    Raises:
        sqlite3.OperationalError: the file cannot be written.
    """
    path = make_url(database.url).database
    return await asyncio.to_thread(_empty, path) if database.is_sqlite and path else True


def _empty(path: str) -> bool:
    # A connection of its own: that of the writer would wait thirty seconds for readers, and hold all others up.
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        row: Any = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(row[0] == 0)
