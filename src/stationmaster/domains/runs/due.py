"""Which runs are due to be neutralised: those older than the calendar months of their process.

It is asked of the runs as they are, so a process that changes its months changes what is due at once, and no run needs to be
touched for that. Deleted runs and runs of deleted processes are due like all others; those under legal hold never are.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.json_member import PerDialect
from stationmaster.domains.processes import service as processes
from stationmaster.domains.runs.models import Run
from stationmaster.kit.months import add_months

_runs = table_of(Run)


async def count_due(session: AsyncSession, now: datetime) -> int:
    """Count the runs that are due."""
    condition = await _is_due(session, now)
    return await session.scalar(sa.select(sa.func.count()).select_from(_runs).where(condition)) or 0


async def list_due(session: AsyncSession, now: datetime, *, limit: int) -> Sequence[UUID]:
    """Return the ids of runs that are due, the oldest first."""
    statement = sa.select(_runs.c.id).where(await _is_due(session, now)).order_by(_runs.c.id).limit(limit)
    return (await session.scalars(statement)).all()


async def lock_due(session: AsyncSession, now: datetime, *, limit: int) -> list[Run]:
    """Lock runs that are due, the oldest first; what others hold just now is left to them."""
    statement = (
        select(Run)
        .where(await _is_due(session, now))
        .order_by(col(Run.id))
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return list(await session.scalars(statement))


async def _is_due(session: AsyncSession, now: datetime) -> sa.ColumnElement[bool]:
    """Compare with the months of each process; an upper bound on the age lets the index find them."""
    by_months: defaultdict[int, list[UUID]] = defaultdict(list)
    for id_, months in (await processes.find_all_retention(session)).items():
        by_months[months].append(id_)
    old = [
        sa.and_(
            _runs.c.process_id.in_(ids),
            _runs.c.created_at < _bound(now, months),
            _months_later(_runs.c.created_at, months) <= sa.literal(now, _runs.c.created_at.type),
        )
        for months, ids in sorted(by_months.items())
    ]
    return sa.and_(_runs.c.neutralized_at.is_(None), _runs.c.held_at.is_(None), sa.or_(sa.false(), *old))


def _bound(now: datetime, months: int) -> datetime:
    """Return an instant that every run which is due lies before; a short month brings up to three days together."""
    back = add_months(now, -months)
    assert back is not None, "no month lies behind the year 9999"
    return back + timedelta(days=4)


def _months_later(instant: sa.ColumnElement[datetime], months: int) -> sa.ColumnElement[datetime]:
    """Add calendar months in SQL, as `kit.months` does: on the last day where the month is shorter."""
    interval = sa.func.make_interval(0, months)
    on_postgresql = sa.func.timezone("UTC", sa.func.timezone("UTC", instant) + interval)
    month = sa.func.date(instant, "start of month", f"+{months} months", type_=sa.Text)
    last_day = sa.func.strftime("%d", month, "+1 month", "-1 day", type_=sa.Text)
    day = sa.func.min(sa.func.strftime("%d", instant, type_=sa.Text), last_day, type_=sa.Text)
    time = sa.func.substr(instant, 11, type_=sa.Text)
    on_sqlite = sa.func.strftime("%Y-%m-", month, type_=sa.Text).concat(day).concat(time)
    return PerDialect(on_sqlite, sa.type_coerce(on_postgresql, instant.type))
