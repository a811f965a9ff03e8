"""Databases to measure on: each a fresh copy of one that was filled once."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal
from uuid import UUID

import asyncpg

from bench.postgres import PostgresServer, running_postgres
from bench.timetable import Plan, store
from stationmaster.db import migrate
from stationmaster.db.engine import open_database

Dialect = Literal["postgresql", "sqlite"]
DIALECTS: tuple[Dialect, ...] = ("postgresql", "sqlite")


@dataclass(frozen=True)
class Template:
    """A filled database to be copied; `by_hand` is the job of the last plan."""

    dialect: Dialect
    name: str
    by_hand: UUID | None


class Stand:
    """Makes databases of both kinds in a folder."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._numbers = count(1)

    async def make_template(self, dialect: Dialect, plans: Sequence[Plan]) -> Template:
        """Migrate a new database and store the plans in it."""
        name = self._new_name()
        if dialect == "postgresql":
            await self.server.create_database(name)
        url = self._url(dialect, name)
        await migrate.upgrade(url)
        async with open_database(url) as database:
            stored = await store(database, plans)
        if dialect == "postgresql":
            await self._vacuum(name)
        return Template(dialect, name, stored[-1].job_id if stored else None)

    async def _vacuum(self, name: str) -> None:
        connection = await asyncpg.connect(self.server.dsn(name))
        try:
            await connection.execute("VACUUM ANALYZE")
        finally:
            await connection.close()

    @asynccontextmanager
    async def copy(self, template: Template) -> AsyncIterator[str]:
        """Give the address of a copy for as long as the context lasts."""
        name = self._new_name()
        if template.dialect == "sqlite":
            shutil.copy(self._path(template.name), self._path(name))
            yield self._url("sqlite", name)
            return
        await self.server.create_database(name, template=template.name)
        yield self.server.url(name)
        await self.server.drop_database(name)

    @asynccontextmanager
    async def empty(self, dialect: Dialect) -> AsyncIterator[str]:
        """Give an empty database as a driver wants it: an address of asyncpg, or the path of a file."""
        name = self._new_name()
        if dialect == "sqlite":
            yield str(self._path(name))
            return
        await self.server.create_database(name)
        yield self.server.dsn(name)
        await self.server.drop_database(name)

    async def settle(self) -> None:
        """Let what the last measurement left behind be written, so that the next one does not pay for it."""
        connection = await asyncpg.connect(self.server.dsn())
        try:
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()
        await asyncio.sleep(0.5)

    def _new_name(self) -> str:
        return f"bench_{next(self._numbers)}"

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite3"

    def _url(self, dialect: Dialect, name: str) -> str:
        return self.server.url(name) if dialect == "postgresql" else f"sqlite+aiosqlite:///{self._path(name)}"


@asynccontextmanager
async def open_stand(folder: Path) -> AsyncIterator[Stand]:
    """Run a server for as long as the context lasts."""
    data = folder / "postgresql"
    data.mkdir()
    async with running_postgres(data) as server:
        yield Stand(server, folder)
