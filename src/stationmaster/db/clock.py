"""The time that all replicas agree on: the database's."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

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
