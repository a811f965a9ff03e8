"""Watches the lease of the leader, twenty times a second, and keeps what it saw."""

import asyncio
from dataclasses import dataclass, field

import asyncpg

LOOK_SECONDS = 0.05
# The last is what asyncpg raises when the server said good-bye while the connection was idle.
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
QUESTION = """
    SELECT holder, epoch, extract(epoch FROM acquired_at)::float AS acquired,
           extract(epoch FROM expires_at)::float AS expires, expires_at > clock_timestamp() AS is_held
    FROM leases WHERE name = 'scheduler'
"""


@dataclass(frozen=True)
class Sight:
    """The lease as it was after one renewal or take-over; instants in seconds of the database's clock."""

    holder: str
    epoch: int
    acquired: float
    expires: float


@dataclass
class Witness:
    """Sees every renewal of the lease; the database may be away for a while."""

    dsn: str
    sights: list[Sight] = field(default_factory=list)
    leader: str | None = None

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self._watch_once()
            except AWAY:
                self.leader = None
            await asyncio.sleep(LOOK_SECONDS)

    async def _watch_once(self) -> None:
        connection = await asyncpg.connect(self.dsn, timeout=2)
        try:
            while True:
                row = await connection.fetchrow(QUESTION, timeout=2)
                if row is not None:
                    self._note(row)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            connection.terminate()

    def _note(self, row: asyncpg.Record) -> None:
        self.leader = row["holder"] if row["is_held"] else None
        sight = Sight(row["holder"], row["epoch"], row["acquired"], row["expires"])
        if not self.sights or self.sights[-1] != sight:
            self.sights.append(sight)
