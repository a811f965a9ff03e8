"""Rights that run out: one row each, decided on the database's clock.

A lease says who holds a name and until when. Each change of holder raises the `epoch`, and a holder proves in every
protected transaction that its epoch is still the present one (`fence`). The row lock taken there conflicts with a
take-over, so nothing of an old term can be committed after a new term has begun.
The lease is for economy (one replica does the work); safety comes from unique keys and fenced writes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.statements import insert_or_ignore


class Lease(SQLModel, table=True):
    """Who holds a name, since which term, until when."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True, max_length=64)
    holder: str = Field(max_length=200)
    epoch: int
    acquired_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Term:
    """A holder's proof: valid while the row says the same."""

    name: str
    holder: str
    epoch: int


class StaleTerm(Exception):
    """The lease belongs to somebody else by now, or has run out: stop, write nothing."""


async def acquire(session: AsyncSession, *, name: str, holder: str, ttl: timedelta) -> Term | None:
    """Take or renew the lease; return None while somebody else holds it.

    The instant is read before the row is written, so a pause in between can only shorten the lease.
    """
    now = await database_now(session)
    await _insert_if_missing(session, name=name, holder=holder, now=now)
    lease = table_of(Lease)
    is_mine = lease.c.holder == holder
    statement = (
        sa.update(lease)
        .where(lease.c.name == name, sa.or_(is_mine, lease.c.expires_at <= now))
        .values(
            epoch=sa.case((sa.and_(is_mine, lease.c.expires_at > now), lease.c.epoch), else_=lease.c.epoch + 1),
            acquired_at=sa.case((sa.and_(is_mine, lease.c.expires_at > now), lease.c.acquired_at), else_=now),
            holder=holder,
            expires_at=now + ttl,
        )
        .returning(lease.c.epoch)
    )
    epoch = (await session.execute(statement)).scalar_one_or_none()
    return None if epoch is None else Term(name, holder, epoch)


async def _insert_if_missing(session: AsyncSession, *, name: str, holder: str, now: datetime) -> None:
    if await session.scalar(select(Lease.epoch).where(Lease.name == name)) is not None:
        return
    row = {"name": name, "holder": holder, "epoch": 0, "acquired_at": now, "expires_at": now}
    await session.execute(insert_or_ignore(session, table_of(Lease)).values(row))


async def resign(session: AsyncSession, term: Term) -> None:
    """Give the lease up now, so that nobody waits for it to run out."""
    now = await database_now(session)
    await session.execute(
        sa.update(Lease)
        .where(col(Lease.name) == term.name, col(Lease.holder) == term.holder, col(Lease.epoch) == term.epoch)
        .values(expires_at=now)
    )


async def fence(session: AsyncSession, term: Term) -> None:
    """Prove, inside a transaction, that the term is still the present one; hold the row until the transaction ends.

    Raises:
        StaleTerm: it is not.
    """
    now = await database_now(session)
    statement = (
        select(Lease.epoch)
        .where(Lease.name == term.name, Lease.holder == term.holder, Lease.epoch == term.epoch, Lease.expires_at > now)
        .with_for_update(read=True)
    )
    if await session.scalar(statement) is None:
        raise StaleTerm(f"{term.holder} no longer holds {term.name} at epoch {term.epoch}")


async def find_lease(session: AsyncSession, name: str) -> Lease | None:
    """Return the lease row as it stands."""
    return await session.get(Lease, name)
