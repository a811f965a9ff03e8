"""Databases by the dozen, of either dialect: empty, or a copy of one that was migrated once."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

from stationmaster.db import migrate
from tests.support.postgres import Server, open_server

Dialect = Literal["sqlite", "postgresql"]

ONLY_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


@dataclass
class Databases:
    """Makes databases; starts the server and migrates the templates when they are first asked for.

    A context manager: at its end the server stops.
    """

    folder: Path
    server: Server | None = None
    templates: dict[Dialect, str] = field(default_factory=dict)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> "Databases":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stack.aclose()

    @asynccontextmanager
    async def empty(self, dialect: Dialect) -> AsyncIterator[str]:
        """Give the address of a database without any table."""
        if dialect == "sqlite":
            yield _sqlite_url(self._new_file())
            return
        async with (await self._started_server()).new_database() as url:
            yield url

    @asynccontextmanager
    async def migrated(self, dialect: Dialect) -> AsyncIterator[str]:
        """Give the address of a database at the newest revision, without rows."""
        template = make_url(await self._template(dialect)).database or ""
        if dialect == "sqlite":
            yield _sqlite_url(Path(shutil.copy(template, self._new_file())))
            return
        async with (await self._started_server()).copy_of(template) as url:
            yield url

    async def _template(self, dialect: Dialect) -> str:
        if dialect not in self.templates:
            url = await self.stack.enter_async_context(self.empty(dialect))
            await migrate.upgrade(url)
            self.templates[dialect] = url
        return self.templates[dialect]

    async def _started_server(self) -> Server:
        if self.server is None:
            self.server = await self.stack.enter_async_context(open_server(self.folder / "postgresql"))
        return self.server

    def _new_file(self) -> Path:
        return self.folder / f"{uuid4().hex}.sqlite3"


def _sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"
