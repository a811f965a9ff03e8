"""Answers that were given once, kept for a day, so that the same request sent again gets the same answer.

One row stands for one key of one caller. It is written in the transaction of the request that it answers: either both the
effect and its answer are stored, or neither is. Its primary key is what makes the effect happen once: of two transactions
that work on the same key, whichever replica they run in, the second waits for the first and then finds the key taken.

Requests that have no transaction of their own (a login, a trial run) claim their key beforehand by a row without an answer.
A claim runs out by itself, so a replica that dies holds nobody up for long.
"""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from stationmaster.db.base import sealed, table_of
from stationmaster.db.clock import database_now
from stationmaster.db.statements import delete_some, insert_into

FORGOTTEN_AT_ONCE = 5000
PURPOSE = "idempotent answers"


class KeptAnswer(SQLModel, table=True):
    """What a request was answered with; `answer` is sealed, and None while a claim stands."""

    __tablename__ = "kept_answers"

    key: str = Field(primary_key=True, max_length=64)
    """Digest of the caller and the key that the caller chose."""
    fingerprint: str = Field(max_length=64)
    """Digest of the request."""
    attempt_id: UUID
    """The one processing of the request that claimed the key or gave the answer."""
    answer: str | None = Field(default=None, sa_type=sa.Text, sa_column_kwargs=sealed(PURPOSE, row="{key}"))
    expires_at: datetime = Field(index=True)


async def find_answer(session: AsyncSession, key: str) -> KeptAnswer | None:
    """Return the answer or claim in force under a key."""
    now = await database_now(session)
    found: KeptAnswer | None = await session.scalar(
        select(KeptAnswer).where(KeptAnswer.key == key, KeptAnswer.expires_at > now)
    )
    return found


async def keep(
    session: AsyncSession, *, key: str, fingerprint: str, attempt_id: UUID, answer: str | None, life: timedelta
) -> bool:
    """Store an answer, or (None) a claim; say False when the key is somebody else's.

    Waits for a transaction under way that stores the same key.
    """
    kept = table_of(KeptAnswer)
    now = await database_now(session)
    facts = {"fingerprint": fingerprint, "attempt_id": attempt_id, "answer": answer, "expires_at": now + life}
    is_own_claim = sa.and_(kept.c.attempt_id == attempt_id, kept.c.answer.is_(None))
    statement = (
        insert_into(session, kept)
        .values(key=key, **facts)
        .on_conflict_do_update(
            index_elements=[kept.c.key], set_=facts, where=sa.or_(kept.c.expires_at <= now, is_own_claim)
        )
        .returning(kept.c.key)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def give_up_claim(session: AsyncSession, key: str, attempt_id: UUID) -> None:
    """Delete a claim whose request was refused or failed, so that it can be sent again at once."""
    await session.execute(
        sa.delete(KeptAnswer).where(
            col(KeptAnswer.key) == key, col(KeptAnswer.attempt_id) == attempt_id, col(KeptAnswer.answer).is_(None)
        )
    )


async def forget_old(session: AsyncSession) -> int:
    """Delete answers and claims whose time is over, a bounded number; return how many."""
    is_over = col(KeptAnswer.expires_at) <= await database_now(session)
    return await delete_some(session, KeptAnswer, is_over, limit=FORGOTTEN_AT_ONCE)
