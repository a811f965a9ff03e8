"""Rules by which old rows are removed: rooms offer them, `domains.retention` collects and applies them.

A rule counts and removes a bounded number of rows at a time, so that no transaction grows with the history.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from stationmaster.db.statements import delete_some

Apply = Callable[[AsyncSession, datetime, int], Awaitable[int]]
"""Takes the instant before which things are old, and how many rows at most."""


@dataclass(frozen=True)
class Rule:
    """What becomes of one kind of rows: how long they are kept, or how many of them."""

    name: str
    text: str
    """What it removes, for people."""
    count: Apply
    remove: Apply
    keep: timedelta = timedelta(0)
    """Zero keeps them for ever, as far as their age goes."""
    keep_count: int = 0
    """Zero sets no bound."""

    @property
    def is_active(self) -> bool:
        return bool(self.keep or self.keep_count)


def rows_rule(
    name: str, text: str, keep: timedelta, model: type[SQLModel], is_old: Callable[[datetime], sa.ColumnElement[bool]]
) -> Rule:
    """Make the rule of a table with one key whose rows nobody else needs; `is_old` tells which are from before an instant."""

    async def count(session: AsyncSession, before: datetime, limit: int) -> int:
        return await count_some(session, sa.select(sa.literal(1)).select_from(model).where(is_old(before)), limit)

    async def remove(session: AsyncSession, before: datetime, limit: int) -> int:
        return await delete_some(session, model, is_old(before), limit=limit)

    return Rule(name, text, count, remove, keep)


async def count_some(session: AsyncSession, statement: sa.Select[Any], limit: int) -> int:
    """Count the rows of a statement, up to a limit."""
    chosen = statement.limit(limit).subquery()
    return await session.scalar(sa.select(sa.func.count()).select_from(chosen)) or 0
