"""The replicas that execute work, as they report themselves."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.statements import insert_or_ignore
from stationmaster.domains.executions.models import Worker

GONE_AFTER = timedelta(minutes=5)
"""A replica reports several times while its lease lasts, which is ten minutes at most."""


async def report(session: AsyncSession, name: str, *, in_flight: int) -> None:
    """Say that this replica lives and how much it has under way."""
    now = await database_now(session)
    changed = await session.execute(
        sa.update(Worker)
        .where(col(Worker.name) == name)
        .values(seen_at=now, in_flight=in_flight)
        .returning(col(Worker.name))
    )
    if changed.first() is None:
        row = {"name": name, "started_at": now, "seen_at": now, "in_flight": in_flight}
        await session.execute(insert_or_ignore(session, table_of(Worker)).values(row))


async def sign_off(session: AsyncSession, name: str) -> None:
    """Say that this replica leaves."""
    await session.execute(sa.delete(Worker).where(col(Worker.name) == name))


async def list_workers(session: AsyncSession) -> list[Worker]:
    """Return the replicas that were heard of lately, by name."""
    since = await database_now(session) - GONE_AFTER
    statement = select(Worker).where(col(Worker.seen_at) >= since).order_by(col(Worker.name))
    return list(await session.scalars(statement))


async def forget_gone(session: AsyncSession) -> None:
    """Forget the replicas that went away without a word."""
    since = await database_now(session) - GONE_AFTER
    await session.execute(sa.delete(Worker).where(col(Worker.seen_at) < since))
