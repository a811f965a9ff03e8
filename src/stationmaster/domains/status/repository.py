"""The statements of the status log."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.domains.status.models import StatusEntry


def list_statement(start: datetime | None, end: datetime | None) -> Any:
    """Select the entries of a range of time."""
    statement = select(StatusEntry)
    if start is not None:
        statement = statement.where(col(StatusEntry.timestamp) >= start)
    if end is not None:
        statement = statement.where(col(StatusEntry.timestamp) < end)
    return statement


async def find_last(session: AsyncSession) -> StatusEntry | None:
    return await session.scalar(select(StatusEntry).order_by(col(StatusEntry.id).desc()).limit(1))
