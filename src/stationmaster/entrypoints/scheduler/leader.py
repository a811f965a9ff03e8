"""Who turns slots into executions.

One replica holds the lease `scheduler` and renews it every `renew`; the others try just as often. Its *trust window* begins
when an attempt to renew begins and ends a second before the lease could be taken over: after that it does not lead, whatever
it believes, until it has renewed. The window is counted on its own monotonic clock, so a wrong wall clock changes nothing.

- killed: the lease runs out, another replica takes it (within `ttl` and one `renew`);
- frozen, cut off from the database: the trust window ends by itself, then as above. If it wakes inside a transaction, the
  fence in that transaction finds a newer epoch and nothing is written;
- stopped politely: it resigns, and the others, woken, take over at once.

On SQLite, an exclusive lock on a file beside the database keeps a second process from scheduling; the kernel frees it when
its holder dies, however that happens.
"""

import asyncio
import fcntl
import logging
import os
import time
from pathlib import Path

from stationmaster.config import LEADER_SAFETY, LeaderSettings
from stationmaster.db import leases
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.leases import Term
from stationmaster.db.notify import Wake, notify
from stationmaster.db.session import unit_of_work
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

LEASE = "scheduler"


class Elector:
    """Takes part in the election for one replica."""

    def __init__(self, database: Database, settings: LeaderSettings, *, name: str, lock_file: Path | None) -> None:
        self._database = database
        self._settings = settings
        self._name = name
        self._lock = FileLock(lock_file) if lock_file else None
        self._turn = asyncio.Lock()
        """One at a time: a renewal under way would otherwise take the lease again after we have resigned."""
        self._term: Term | None = None
        self._trusted_until = 0.0

    def term(self) -> Term | None:
        """Return our term while we may trust it; None while we do not lead."""
        return self._term if time.monotonic() < self._trusted_until else None

    async def stand(self) -> None:
        """Renew the term, or try to begin one."""
        async with self._turn:
            await self._stand()

    async def _stand(self) -> None:
        began = time.monotonic()
        if self._lock and not self._lock.acquire():
            return
        try:
            async with (
                asyncio.timeout(self._settings.ttl.total_seconds()),
                unit_of_work(self._database, engine=self._database.control) as session,
            ):
                term = await leases.acquire(session, name=LEASE, holder=self._name, ttl=self._settings.ttl)
                if term and term != self._term:
                    notify(session, Wake.TICK)
        except AWAY as error:
            logger.warning("leader.renewal_failed", extra={"error": type(error).__name__})
            return
        trusted = self._settings.ttl - LEADER_SAFETY
        self._trusted_until = began + trusted.total_seconds() if term else 0.0
        self._change_to(term)

    def _change_to(self, term: Term | None) -> None:
        if term != self._term:
            logger.info("leader.changed", extra={"leads": term is not None, "epoch": term.epoch if term else None})
        self._term = term
        metrics.is_leader.set(term is not None)
        if term:
            metrics.leader_epoch.set(term.epoch)

    def demote(self) -> None:
        """Stop leading at once: somebody else was seen to lead."""
        self._trusted_until = 0.0
        self._change_to(None)

    async def resign(self) -> None:
        """Give the term up, so that another replica takes over now and not when it has run out."""
        async with self._turn:
            term, self._trusted_until = self._term, 0.0
            if term:
                async with unit_of_work(self._database, engine=self._database.control) as session:
                    await leases.resign(session, term)
                    notify(session, Wake.TICK)
            self._change_to(None)
            if self._lock:
                self._lock.release()


class FileLock:
    """An exclusive lock on a file, held by this process until it is released or the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock, or say that another process has it."""
        if self._descriptor is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            # flock and not lockf: closing any other descriptor of the file would drop a lockf lock.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
