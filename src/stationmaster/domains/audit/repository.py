"""The statements about entries and seals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.db.statements import dialect_of
from stationmaster.domains.audit.models import AuditCheckpoint, AuditLog, AuditSeal, Outcome
from stationmaster.domains.audit.stored import (
    CHECKPOINT_FACTS,
    CHECKPOINTS,
    ENTRIES,
    ENTRY_FACTS,
    SEAL_FACTS,
    SEALS,
    stored_bytes,
)

Row = sa.Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class Filters:
    """What a list of entries is narrowed to; `start` inclusive, `end` exclusive."""

    actor_id: UUID | None = None
    user_id: UUID | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    outcome: Outcome | None = None
    start: datetime | None = None
    end: datetime | None = None


def conditions_of(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """Return the filters as SQL."""
    equal = ("actor_id", "user_id", "action", "resource_type", "resource_id", "outcome")
    wanted = {name: getattr(filters, name) for name in equal}
    conditions = [ENTRIES.c[name] == value for name, value in wanted.items() if value is not None]
    if filters.start is not None:
        conditions.append(ENTRIES.c.at >= filters.start)
    if filters.end is not None:
        conditions.append(ENTRIES.c.at < filters.end)
    return conditions


def list_statement(filters: Filters) -> Any:
    """Select entries."""
    return select(AuditLog).where(*conditions_of(filters))


async def find_entry(session: AsyncSession, id_: UUID) -> AuditLog | None:
    return await session.get(AuditLog, id_)


async def count_by(session: AsyncSession, filters: Filters, *keys: sa.ColumnElement[Any], limit: int) -> Sequence[Row]:
    """Count entries by these expressions, the most frequent first; the count is the last column."""
    number = sa.func.count().label("number")
    statement = (
        sa.select(*keys, number)
        .where(*conditions_of(filters))
        .group_by(*keys)
        .order_by(number.desc(), *keys)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def count_by_day(session: AsyncSession, filters: Filters, *, limit: int) -> Sequence[Row]:
    """Count entries by day (UTC), newest first."""
    day = _day_of(session).label("day")
    statement = (
        sa.select(day, sa.func.count().label("number"))
        .where(*conditions_of(filters))
        .group_by(day)
        .order_by(day.desc())
        .limit(limit)
    )
    return (await session.execute(statement)).all()


def _day_of(session: AsyncSession) -> sa.ColumnElement[str]:
    if dialect_of(session) == "sqlite":
        return sa.func.date(ENTRIES.c.at, type_=sa.Text)
    return sa.func.to_char(sa.func.timezone("UTC", ENTRIES.c.at), "YYYY-MM-DD", type_=sa.Text)


async def find_last_seal(session: AsyncSession) -> AuditSeal | None:
    return await session.scalar(select(AuditSeal).order_by(col(AuditSeal.number).desc()).limit(1))


async def read_unsealed(session: AsyncSession, *, limit: int) -> Sequence[Row]:
    """Return the stored bytes of the oldest entries that no seal covers; the first of each are the key's."""
    statement = (
        sa.select(*stored_bytes(session, ENTRY_FACTS))
        .where(ENTRIES.c.sequence.is_(None))
        .order_by(ENTRIES.c.id)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def mark_sealed(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> int:
    """Give entries (`id`, in 32 digits) their `sequence` and `digest`; return how many were found.

    One that has them already is refused by the trigger. (Asking for it here makes SQLite search the rows for each entry.)
    """
    given = recordset(session, "rows", {name: ENTRIES.c[name].type for name in ("id", "sequence", "digest")})
    statement = (
        sa.update(ENTRIES)
        .where(ENTRIES.c.id == given.c.id)
        .values(sequence=given.c.sequence, digest=given.c.digest)
        .returning(ENTRIES.c.id)
    )
    return len((await session.execute(statement, {"rows": encode_rows(session, rows)})).all())


async def count_unsealed(session: AsyncSession) -> int:
    statement = sa.select(sa.func.count()).select_from(ENTRIES).where(ENTRIES.c.sequence.is_(None))
    return await session.scalar(statement) or 0


async def read_seals(session: AsyncSession, *, after: int, limit: int) -> Sequence[Row]:
    """Return the next seals: number, first and last sequence, then the bytes of their digest and of all facts."""
    plain = (SEALS.c.number, SEALS.c.first_sequence, SEALS.c.last_sequence)
    statement = (
        sa.select(*plain, *stored_bytes(session, [SEALS.c.digest, *SEAL_FACTS]))
        .where(SEALS.c.number > after)
        .order_by(SEALS.c.number)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def read_sealed(session: AsyncSession, *, after: int, limit: int) -> Sequence[Row]:
    """Return the next sealed entries: sequence, then the bytes of their digest and of all facts, the key's first."""
    statement = (
        sa.select(ENTRIES.c.sequence, *stored_bytes(session, [ENTRIES.c.digest, *ENTRY_FACTS]))
        .where(ENTRIES.c.sequence > after)
        .order_by(ENTRIES.c.sequence)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def find_checkpoint(session: AsyncSession) -> Row | None:
    """Return where the chain begins: number, last sequence, then the bytes of the digest and of all facts."""
    plain = (CHECKPOINTS.c.number, CHECKPOINTS.c.last_sequence)
    statement = (
        sa.select(*plain, *stored_bytes(session, [CHECKPOINTS.c.digest, *CHECKPOINT_FACTS]))
        .order_by(CHECKPOINTS.c.number.desc())
        .limit(1)
    )
    return (await session.execute(statement)).first()


async def list_old_seals(session: AsyncSession, before: datetime, limit: int) -> Sequence[AuditSeal]:
    """Return the oldest seals, if they are from before an instant; never the newest, which the next one follows."""
    newest = select(sa.func.max(SEALS.c.number)).scalar_subquery()
    statement = select(AuditSeal).where(col(AuditSeal.sealed_at) < before, col(AuditSeal.number) < newest)
    return list(await session.scalars(statement.order_by(col(AuditSeal.number)).limit(limit)))


async def list_seals_beyond(session: AsyncSession, most: int, limit: int) -> Sequence[AuditSeal]:
    """Return the oldest seals that end before the newest so many sealed entries; never the newest."""
    newest = select(sa.func.max(SEALS.c.number), sa.func.max(SEALS.c.last_sequence)).cte("newest")
    is_beyond = col(AuditSeal.last_sequence) <= newest.c[1] - most
    statement = select(AuditSeal).where(is_beyond, col(AuditSeal.number) < newest.c[0])
    return list(await session.scalars(statement.order_by(col(AuditSeal.number)).limit(limit)))


async def cut_off(session: AsyncSession, point: AuditCheckpoint) -> int:
    """Remove what a checkpoint stands for; return how many entries that were. The triggers let pass only these."""
    session.add(point)
    await session.flush()
    gone = await session.execute(
        sa.delete(ENTRIES).where(ENTRIES.c.sequence <= point.last_sequence).returning(ENTRIES.c.id)
    )
    await session.execute(sa.delete(SEALS).where(SEALS.c.number <= point.number))
    return len(gone.all())


async def find_uncovered(session: AsyncSession, *, begin: int) -> Row | None:
    """Return an entry that claims a place in the chain which no seal has: the bytes of its key, and the place.

    `begin` is the last place that was removed.
    """
    last = sa.select(sa.func.coalesce(sa.func.max(SEALS.c.last_sequence), 0)).scalar_subquery()
    statement = (
        sa.select(*stored_bytes(session, [ENTRIES.c.id]), ENTRIES.c.sequence)
        .where(sa.or_(ENTRIES.c.sequence <= begin, ENTRIES.c.sequence > last))
        .order_by(ENTRIES.c.sequence)
        .limit(1)
    )
    return (await session.execute(statement)).first()
