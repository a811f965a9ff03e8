"""Statements that the two dialects spell differently."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession


def dialect_of(session: AsyncSession | AsyncConnection) -> str:
    """Name the dialect a session speaks: `sqlite` or `postgresql`."""
    return session.get_bind().dialect.name if isinstance(session, AsyncSession) else session.dialect.name


def insert_or_ignore(session: AsyncSession, table: sa.Table) -> Any:
    """INSERT that leaves out rows which a unique key forbids."""
    insert = sqlite.insert if dialect_of(session) == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()
