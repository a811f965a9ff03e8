"""The statements about what was removed."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.retention import count_some
from stationmaster.db.statements import insert_into
from stationmaster.domains.retention.models import Removal

removals = table_of(Removal)

MONTH = timedelta(days=30)


async def add_removals(session: AsyncSession, removed: Mapping[str, int], at: datetime) -> None:
    """Add to what rules removed today."""
    rows = [{"rule": rule, "day": at.date(), "removed": number, "last_at": at} for rule, number in removed.items()]
    insert = insert_into(session, removals).values(rows)
    new = insert.excluded
    changed = {"removed": removals.c.removed + new.removed, "last_at": new.last_at}
    await session.execute(insert.on_conflict_do_update(index_elements=["rule", "day"], set_=changed))


async def sum_by_rule(session: AsyncSession, today: date) -> dict[str, Any]:
    """Return what each rule removed: in 30 days, in all that is on record, and when last."""
    in_month = sa.case((removals.c.day > today - MONTH, removals.c.removed), else_=0)
    statement = sa.select(
        removals.c.rule,
        sa.func.sum(in_month).label("in_month"),
        sa.func.sum(removals.c.removed).label("in_all"),
        sa.func.max(removals.c.last_at).label("last_at"),
    ).group_by(removals.c.rule)
    return {row.rule: row for row in (await session.execute(statement)).all()}


async def count_old(session: AsyncSession, before: datetime, limit: int) -> int:
    """Count the days on record that are from before an instant, up to a limit."""
    return await count_some(session, sa.select(removals.c.rule).where(removals.c.day < before.date()), limit)


async def remove_old(session: AsyncSession, before: datetime, _limit: int) -> int:
    """Remove those days; they are few."""
    statement = sa.delete(removals).where(removals.c.day < before.date()).returning(removals.c.rule)
    return len((await session.execute(statement)).all())
