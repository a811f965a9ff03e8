"""The time that all replicas agree on: the database's."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from stationmaster.db.statements import dialect_of
from stationmaster.kit import clock


async def database_now(session: AsyncSession | AsyncConnection) -> datetime:
    """Return the database's present instant, also inside a long transaction.

    SQLite lives in this process and on this machine, so its clock is ours.
    """
    if dialect_of(session) == "sqlite":
        return clock.now()
    result = await session.execute(sa.text("SELECT clock_timestamp()"))
    instant: datetime = result.scalar_one()
    return instant


def database_instant(
    session: AsyncSession | AsyncConnection, *, after: timedelta = timedelta(0)
) -> sa.ColumnElement[datetime]:
    """Return the database's instant, or one so long after it, as an expression: a statement needs no question before it.

    On PostgreSQL it is the beginning of the statement, read before any row is written.
    """
    if dialect_of(session) == "sqlite":
        return sa.literal(clock.now() + after, UTCDateTime())
    now = sa.func.statement_timestamp(type_=UTCDateTime())
    return now + after if after else now
