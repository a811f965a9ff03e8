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

from stationmaster.db.base import table_of
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


def newest_rule(
    name: str,
    text: str,
    most: int,
    model: type[SQLModel],
    *,
    owner: str,
    which: sa.ColumnElement[bool] | None = None,
) -> Rule:
    """Make the rule that keeps the newest rows of each owner; of those that are older, `which` may go.

    `owner` names a foreign key that has an index together with `id`, a UUIDv7.
    """
    table = table_of(model)
    [reference] = table.c[owner].foreign_keys
    kept = oldest_kept(most, table.c[owner], reference.column)
    is_beyond = sa.and_(kept.c.owner == table.c[owner], table.c.id < kept.c.oldest)
    chosen = sa.select(table.c.id).join(kept, is_beyond).where(sa.true() if which is None else which)

    async def count(session: AsyncSession, _before: datetime, limit: int) -> int:
        return await count_some(session, chosen, limit)

    async def remove(session: AsyncSession, _before: datetime, limit: int) -> int:
        return await delete_some(session, model, table.c.id.in_(chosen), limit=limit)

    return Rule(name, text, count, remove, keep_count=most)


def oldest_kept(most: int, owner: sa.Column[Any], owners: sa.Column[Any]) -> sa.CTE:
    """Select of each owner the oldest of its newest so many rows, as `owner` and `oldest`; null where there are fewer.

    Found for all owners first: else SQLite asks for it once more with each row of the table.
    """
    newer = owner.table.alias("newer")
    oldest = (
        sa.select(newer.c.id)
        .where(newer.c[owner.name] == owners)
        .order_by(newer.c.id.desc())
        .offset(max(most, 1) - 1)
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(owners.label("owner"), oldest.label("oldest")).cte("kept").prefix_with("MATERIALIZED")


async def count_some(session: AsyncSession, statement: sa.Select[Any], limit: int) -> int:
    """Count the rows of a statement, up to a limit."""
    chosen = statement.limit(limit).subquery()
    return await session.scalar(sa.select(sa.func.count()).select_from(chosen)) or 0
