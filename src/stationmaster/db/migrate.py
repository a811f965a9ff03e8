"""Brings a database to the schema of this version, from within the running service.

- One process at a time. PostgreSQL: an advisory lock on the very session that migrates, so the lock cannot outlive or
  predecease the work. It is asked for again and again instead of waited for: a session that waits inside a statement
  holds a snapshot, and CREATE INDEX CONCURRENTLY would wait for it for ever.
- SQLite: the whole upgrade is one BEGIN IMMEDIATE transaction. It happens or it does not, and whoever comes second
  finds it done. A copy of the file is kept beside it first. Foreign keys are off meanwhile (rebuilding a parent table
  would empty its children by ON DELETE CASCADE) and checked before the end.
- PostgreSQL commits after each revision and waits at most a few seconds for a table's lock, so that a long report
  cannot make a migration stop all traffic behind it; then it tries again.
"""

import asyncio
import logging
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import cache, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import stationmaster
from stationmaster.db.engine import SQLITE_BUSY_MS, Database
from stationmaster.kit import clock

logger = logging.getLogger(__name__)

ADVISORY_LOCK_KEY = 7_277_846_601_531_001
ADVISORY_LOCK_POLL_SECONDS = 0.2
ADVISORY_LOCK_PATIENCE_SECONDS = 300.0
LOCK_TIMEOUT_TRIES = 6
LOCK_NOT_AVAILABLE = "55P03"
BACKUPS_KEPT = 3

POSTGRES_SERVER_SETTINGS = {
    "application_name": "stationmaster-migrate",
    "lock_timeout": "3s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}

# Alembic's `op` and `context` belong to the process: two upgrades in one event loop would mix them up.
_alembic_is_busy = asyncio.Lock()


class ForeignKeysBroken(Exception):
    """A migration left rows that point nowhere; it was rolled back."""


class NewerDatabase(Exception):
    """A newer version than this one has migrated the database: start that one, or restore a backup."""


async def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest revision; do nothing when it is there.

    Raises:
        TimeoutError: another process migrates for longer than five minutes.
        NewerDatabase: this version is too old for the database.
        ForeignKeysBroken: SQLite only; nothing was changed.
    """
    head = await asyncio.to_thread(head_revision)
    async with _alone_with(url) as connection:
        current = await _revision_of(connection)
        if current == head:
            return
        if current is not None and current not in known_revisions():
            raise NewerDatabase(f"The database is at revision {current}, which this version does not know.")
        path = sqlite_path(url)
        if path is not None and current is not None:
            await asyncio.to_thread(_back_up, path, current)
        await _run_patiently(connection, partial(command.upgrade, revision="head"))
        logger.info("migration.finished", extra={"revision_before": current, "revision_after": head})


async def run(url: str, action: Callable[[Config], object]) -> None:
    """Run any Alembic command on the database at `url`, alone."""
    async with _alone_with(url) as connection:
        await _run_patiently(connection, action)


async def current_revision(url: str) -> str | None:
    """Return the revision the database is at, or None when it was never migrated (or is a file not made yet)."""
    path = sqlite_path(url)
    if path is not None and not await asyncio.to_thread(path.exists):
        return None
    async with open_connection(url) as connection:
        return await _revision_of(connection)


@cache
def known_revisions() -> tuple[str, ...]:
    """List the revisions of this version, newest first; reads the migration scripts once."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def head_revision() -> str:
    """Return the newest revision this version knows."""
    return known_revisions()[0]


async def is_at_head(database: Database) -> bool:
    """Say whether the database has the schema this version needs."""
    async with database.reader.connect() as connection:
        return await _revision_of(connection) == await asyncio.to_thread(head_revision)


@asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a connection that is fit for migrations, on an engine of its own."""
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = _postgresql_engine(url) if path is None else _sqlite_engine(url)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def sqlite_path(url: str) -> Path | None:
    """Return the file of an SQLite address, None for PostgreSQL."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def check_foreign_keys(connection: sa.Connection) -> None:
    """Look for rows that point nowhere (SQLite, whose keys are off during a migration).

    Raises:
        ForeignKeysBroken: there are some.
    """
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = sorted({f"{row[0]} to {row[2]}" for row in broken})
        raise ForeignKeysBroken(f"{len(broken)} rows point nowhere: {', '.join(tables)}")


@asynccontextmanager
async def _alone_with(url: str) -> AsyncIterator[AsyncConnection]:
    async with _alembic_is_busy, open_connection(url) as connection:
        if connection.dialect.name == "postgresql":
            await _take_advisory_lock(connection)  # given back when the connection closes
        yield connection


async def _take_advisory_lock(connection: AsyncConnection) -> None:
    statement = sa.text("SELECT pg_try_advisory_lock(:key)").bindparams(key=ADVISORY_LOCK_KEY)
    async with asyncio.timeout(ADVISORY_LOCK_PATIENCE_SECONDS):
        while True:
            async with connection.begin():
                if await connection.scalar(statement):
                    return
            await asyncio.sleep(ADVISORY_LOCK_POLL_SECONDS)


async def _run_patiently(connection: AsyncConnection, action: Callable[[Config], object]) -> None:
    for attempt in range(1, LOCK_TIMEOUT_TRIES + 1):
        try:
            await connection.run_sync(lambda sync: action(_config(sync)))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE or attempt == LOCK_TIMEOUT_TRIES:
                raise
            logger.warning("migration.lock_timeout", extra={"attempt": attempt})
            await asyncio.sleep(attempt)
        else:
            return


async def _revision_of(connection: AsyncConnection) -> str | None:
    async with connection.begin():
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_script_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _script_folder() -> Path:
    """Find the migrations: inside the installed package, or in the checkout it is linked to."""
    package = Path(stationmaster.__file__).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "alembic"


def _sqlite_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url, poolclass=NullPool)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver begins no transaction before DDL, and a failing migration would leave half a schema: we begin it.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql_engine(url: str) -> AsyncEngine:
    connect_args = {"timeout": 5, "server_settings": POSTGRES_SERVER_SETTINGS}
    return create_async_engine(url, poolclass=NullPool, connect_args=connect_args)


def _back_up(path: Path, revision: str) -> None:
    """Copy the file beside itself, readable by its owner only, and forget all but the newest copies."""
    copy = path.with_name(f"{path.name}.backup-{clock.now():%Y%m%dT%H%M%S%fZ}-{revision}")
    os.close(os.open(copy, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    shutil.copymode(path, copy)
    logger.info("migration.backed_up", extra={"file": copy.name})
    for old in sorted(path.parent.glob(f"{path.name}.backup-*"))[:-BACKUPS_KEPT]:
        old.unlink(missing_ok=True)
