"""A small table that has every kind of field, for the tests of lists."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel.sql.sqltypes import UTCDateTime

from stationmaster.db.base import Json, enum_column
from stationmaster.db.engine import Database, open_database
from tests.support.databases import Databases, Dialect

DAY = datetime(2026, 11, 21, tzinfo=UTC)


class Colour(StrEnum):
    """Of things."""

    RED = "red"
    GREEN = "green"


class Base(DeclarativeBase):
    """Declares the tables of these tests."""


class Keeper(Base):
    """Who keeps things."""

    __tablename__ = "keepers"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(100))


class Thing(Base):
    """Has a column of every kind; only the id must be there."""

    __tablename__ = "things"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    colour: Mapped[Colour | None] = mapped_column(enum_column(Colour, "colour"))
    is_new: Mapped[bool | None] = mapped_column(sa.Boolean)
    made_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    name: Mapped[str | None] = mapped_column(sa.String(100))
    story: Mapped[str | None] = mapped_column(sa.Text)
    number: Mapped[int | None] = mapped_column(sa.Integer)
    weight: Mapped[float | None] = mapped_column(sa.Float)
    keeper_id: Mapped[UUID | None] = mapped_column(sa.Uuid)
    facts: Mapped[dict[str, Any] | None] = mapped_column(Json)


def thing_id(number: int) -> UUID:
    return UUID(int=number)


def keeper_id(number: int) -> UUID:
    return UUID(int=1000 + number)


KEEPERS = [{"id": keeper_id(1), "email": "ada@example.com"}, {"id": keeper_id(2), "email": "bob@example.com"}]
ROWS: list[dict[str, Any]] = [
    {
        "colour": Colour.RED,
        "is_new": True,
        "made_at": DAY,
        "name": "Anchor",
        "story": "lost, then found",
        "number": 1,
        "weight": 0.5,
        "keeper_id": keeper_id(1),
        "facts": {"place": "north", "size": 5, "ok": True, "a b": "x", 'q"uote': "q", "é": "ü"},
    },
    {
        "colour": Colour.GREEN,
        "is_new": False,
        "made_at": DAY + timedelta(hours=12, microseconds=123_456),
        "name": "anchor chain",
        "number": 2_147_483_647,
        "weight": -2.5,
        "keeper_id": keeper_id(2),
        "facts": {"place": "5", "size": 10, "ok": "true", "nothing": None},
    },
    {
        "colour": Colour.RED,
        "made_at": DAY + timedelta(days=1),
        "name": "100% of_it\\all",
        "number": -3,
        "weight": 1e300,
        "keeper_id": keeper_id(3),
        "facts": {"place": "south, side: 2", "size": 9.5, "list": ["north"], "inner": {"place": "north"}},
    },
    {"name": "100x ofXit", "facts": {}},
    {},
]
"""Numbered from 1; the last has nothing but its id, the one before hardly more."""


@pytest.fixture
async def shed(databases: Databases, dialect: Dialect) -> AsyncIterator[Database]:
    """Open a database with these rows."""
    async with databases.empty(dialect) as url, open_database(url) as database:
        empty = dict.fromkeys(column.key for column in sa.inspect(Thing).columns)
        rows = [{**empty, **row, "id": thing_id(number)} for number, row in enumerate(ROWS, start=1)]
        async with database.writer.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
            await connection.execute(sa.insert(Keeper), KEEPERS)
            await connection.execute(sa.insert(Thing), rows)
        yield database


@pytest.fixture
async def shed_session(shed: Database) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(shed.reader) as session:
        yield session
