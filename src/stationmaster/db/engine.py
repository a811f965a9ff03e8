"""Opens the engines of either database with the settings that make them dependable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# How long a caller waits for a connection before hearing "unavailable" (F27: requests fail fast).
POOL_WAIT_SECONDS = 3
# Another process may hold SQLite's write lock this long before we give up.
SQLITE_BUSY_MS = 30_000
SQLITE_MAPPED_BYTES = 2**30
"""Of the file, shown to its readers as memory; what is behind that is read as ever."""

CONTROL_CONNECTIONS = 6
"""Tick, election, heartbeat, claims and results, each with one at a time, and one to spare."""

POSTGRES_SERVER_SETTINGS = {
    "statement_timeout": "15s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    "jit": "off",
}
# A leader frozen inside its fenced transaction must not hold the lease row: measured, take-over then fails for ever.
CONTROL_SERVER_SETTINGS = POSTGRES_SERVER_SETTINGS | {"idle_in_transaction_session_timeout": "2s"}


@dataclass(frozen=True)
class Database:
    """The engines of one database; `reader` and `control` may be the same object as `writer`."""

    dialect: Literal["sqlite", "postgresql"]
    url: str
    writer: AsyncEngine
    reader: AsyncEngine
    control: AsyncEngine
    waiters: dict[tuple[str, str], set[asyncio.Event]] = field(default_factory=dict)
    """Who waits for which wake-up about which object (`db.notify`)."""

    @property
    def is_sqlite(self) -> bool:
        return self.dialect == "sqlite"


@asynccontextmanager
async def open_database(
    url: str, *, application_name: str = "stationmaster", pool_size: int = 10
) -> AsyncIterator[Database]:
    """Open the database at `url` and close it at the end."""
    database = _open_sqlite(url) if url.startswith("sqlite") else _open_postgresql(url, application_name, pool_size)
    try:
        yield database
    finally:
        for engine in {database.writer, database.reader, database.control}:
            await engine.dispose()


def _open_sqlite(url: str) -> Database:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    common: dict[str, Any] = {"pool_timeout": POOL_WAIT_SECONDS, "max_overflow": 0, "hide_parameters": True}
    writer = create_async_engine(url, pool_size=1, **(common | {"pool_timeout": 30}))
    reader = create_async_engine(url, pool_size=8, **common)
    _set_up_sqlite(writer, begin="BEGIN IMMEDIATE", read_only=False)
    _set_up_sqlite(reader, begin="BEGIN", read_only=True)
    return Database("sqlite", url, writer, reader, writer)


def _set_up_sqlite(engine: AsyncEngine, *, begin: str, read_only: bool) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver would open transactions only at the first write, and two read-then-write tasks would lose updates.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-16000")
        # What is erased is overwritten in the file, and not only forgotten; most builds do so anyway.
        cursor.execute("PRAGMA secure_delete=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
            # A long list is read from the system's own cache, without a copy of each page.
            cursor.execute(f"PRAGMA mmap_size={SQLITE_MAPPED_BYTES}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def _open_postgresql(url: str, application_name: str, pool_size: int) -> Database:
    def engine(size: int, overflow: int, settings: dict[str, str]) -> AsyncEngine:
        made = create_async_engine(
            url,
            pool_size=size,
            max_overflow=overflow,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_recycle=1800,
            hide_parameters=True,  # values belong in no log
            connect_args={
                "timeout": 5,
                "command_timeout": 20,
                "server_settings": settings | {"application_name": application_name},
            },
        )
        event.listen(made.sync_engine, "checkout", _refuse_closed)
        return made

    pool = engine(pool_size, 5, POSTGRES_SERVER_SETTINGS)
    control = engine(CONTROL_CONNECTIONS, 0, CONTROL_SERVER_SETTINGS)
    return Database("postgresql", url, pool, pool, control)


def _refuse_closed(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Have the pool connect anew where the server has closed the connection meanwhile, in a restart for example.

    The event loop has seen that; `pool_pre_ping` would ask the server, by three round trips for each request.
    """
    connection = record.driver_connection
    if connection is not None and connection.is_closed():
        raise InvalidatePoolError
