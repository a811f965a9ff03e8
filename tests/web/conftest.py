"""A database of the tests' own, without the tables of the domains."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database, open_database
from tests.support.databases import Databases, Dialect

metadata = sa.MetaData()
things = sa.Table(
    "things",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(20), unique=True, nullable=False),
    sa.Column("size", sa.Integer, sa.CheckConstraint("size < 1000000", name="size"), nullable=False, default=0),
)


@pytest.fixture
async def shelf(databases: Databases, dialect: Dialect) -> AsyncIterator[Database]:
    """Open a database with the one empty table `things`."""
    async with databases.empty(dialect) as url, open_database(url) as database:
        async with database.writer.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield database


@pytest.fixture
def table() -> sa.Table:
    return things


@pytest.fixture
async def shelf_session(shelf: Database) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(shelf.writer) as session:
        yield session
