"""The chunks of journals: read on from a number, read the last ones, forget the middle of a long one."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.domains.executions.journals.models import Journal, JournalChunk

PARTS = 8
"""A journal may exceed its cap by one part in so many before its middle is forgotten: in pieces, not with each batch."""

journals = table_of(Journal)
chunks = table_of(JournalChunk)


async def keep_within(session: AsyncSession, execution_id: UUID, *, size_bytes: int, max_bytes: int) -> None:
    """Forget the middle of a journal that has grown well beyond its cap."""
    if size_bytes > max_bytes + max_bytes // PARTS:
        await forget_middle(session, execution_id, head_bytes=max_bytes // 2, tail_bytes=max_bytes // 2)


async def forget_middle(session: AsyncSession, execution_id: UUID, *, head_bytes: int, tail_bytes: int) -> None:
    """Delete the chunks that are neither in the first nor in the last so many bytes."""
    statement = (
        sa.select(chunks.c.first_sequence, chunks.c.last_sequence, chunks.c.size_bytes)
        .where(chunks.c.execution_id == execution_id)
        .order_by(chunks.c.first_sequence)
    )
    known = list(await session.execute(statement))
    first, last = _middle([size for _, _, size in known], head_bytes, tail_bytes)
    middle = known[first:last]
    if not middle:
        return
    await session.execute(
        sa.delete(chunks).where(
            chunks.c.execution_id == execution_id,
            chunks.c.first_sequence.between(middle[0].first_sequence, middle[-1].first_sequence),
        )
    )
    await session.execute(
        sa.update(journals)
        .where(journals.c.execution_id == execution_id)
        .values(
            size_bytes=journals.c.size_bytes - sum(row.size_bytes for row in middle),
            forgotten=journals.c.forgotten + sum(row.last_sequence - row.first_sequence + 1 for row in middle),
        )
    )


def _middle(sizes: Sequence[int], head_bytes: int, tail_bytes: int) -> tuple[int, int]:
    first, taken = 0, 0
    while first < len(sizes) and taken + sizes[first] <= head_bytes:
        taken += sizes[first]
        first += 1
    last, taken = len(sizes), 0
    while last > first and taken + sizes[last - 1] <= tail_bytes:
        last -= 1
        taken += sizes[last]
    return first, last


async def read_chunks(session: AsyncSession, execution_id: UUID, *, after: int, limit: int) -> list[sa.Row[Any]]:
    """Return up to `limit` chunks that have entries behind the number `after`, in order."""
    # The chunk that has the number is found by the key; those before it are never looked at.
    nearest = sa.select(sa.func.max(chunks.c.first_sequence)).where(
        chunks.c.execution_id == execution_id, chunks.c.first_sequence <= after
    )
    statement = (
        sa.select(chunks)
        .where(
            chunks.c.execution_id == execution_id,
            chunks.c.first_sequence >= sa.func.coalesce(nearest.scalar_subquery(), 0),
            chunks.c.last_sequence > after,
        )
        .order_by(chunks.c.first_sequence)
        .limit(limit)
    )
    return list(await session.execute(statement))


async def read_last_chunks(session: AsyncSession, ids: Collection[UUID], *, lines: int) -> list[sa.Row[Any]]:
    """Return the last chunks of several executions, in order: as many as hold so many lines."""
    behind = (
        sa.func.sum(chunks.c.lines)
        .over(partition_by=chunks.c.execution_id, order_by=chunks.c.first_sequence.desc())
        .label("behind")
    )
    ranked = sa.select(chunks.c.execution_id, chunks.c.first_sequence, chunks.c.lines, behind).where(
        chunks.c.execution_id.in_(ids)
    )
    r = ranked.subquery()
    is_chosen = sa.and_(chunks.c.execution_id == r.c.execution_id, chunks.c.first_sequence == r.c.first_sequence)
    statement = (
        sa.select(chunks)
        .join(r, is_chosen)
        .where(r.c.behind - r.c.lines < lines)
        .order_by(chunks.c.execution_id, chunks.c.first_sequence)
    )
    return list(await session.execute(statement))
