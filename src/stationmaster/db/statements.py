"""Statements that the two dialects spell differently."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import SQLModel


def dialect_of(session: AsyncSession | AsyncConnection) -> str:
    """Name the dialect a session speaks: `sqlite` or `postgresql`."""
    return session.get_bind().dialect.name if isinstance(session, AsyncSession) else session.dialect.name


def insert_into(session: AsyncSession, table: sa.Table) -> Any:
    """INSERT that can be told what to do where a unique key forbids a row (`on_conflict_do_update`)."""
    return (sqlite.insert if dialect_of(session) == "sqlite" else postgresql.insert)(table)


def insert_or_ignore(session: AsyncSession, table: sa.Table) -> Any:
    """INSERT that leaves out rows which a unique key forbids."""
    return insert_into(session, table).on_conflict_do_nothing()


async def delete_some(
    session: AsyncSession, model: type[SQLModel], which: sa.ColumnElement[bool], *, limit: int = 1000
) -> int:
    """Delete up to `limit` rows, so that no transaction grows with the table; return how many there were."""
    key = sa.inspect(model).primary_key[0]
    chosen = sa.select(key).where(which).limit(limit)
    deleted = await session.execute(sa.delete(model).where(key.in_(chosen)).returning(key))
    return len(deleted.all())
