"""The statements about checks and their signs."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.domains.checks.models import Check, CheckState, Ping, Reminder

LISTENING = (CheckState.NEW, CheckState.UP, CheckState.LATE)
REMIND_AFTER = {Reminder.HOURLY: timedelta(hours=1), Reminder.DAILY: timedelta(days=1)}

checks, pings = table_of(Check), table_of(Ping)


def list_statement(*, owner_id: UUID | None, state: CheckState | None, job_id: UUID | None) -> sa.Select[Check]:
    """Make the SELECT of checks with these properties, newest first."""
    statement = sa.select(Check).order_by(col(Check.id).desc())
    if owner_id is not None:
        statement = statement.where(col(Check.owner_id) == owner_id)
    if state is not None:
        statement = statement.where(col(Check.state) == state)
    if job_id is not None:
        statement = statement.where(col(Check.job_id) == job_id)
    return statement


async def find(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Check | None:
    return await session.get(
        Check, id_, with_for_update={"key_share": True} if for_update else None, populate_existing=for_update
    )


async def find_by_ping_key(session: AsyncSession, key: str) -> Check | None:
    """Return the check with this key as it is now, and keep others from changing it until the transaction ends."""
    statement = select(Check).where(Check.ping_key == key).with_for_update(key_share=True)
    found: Check | None = await session.scalar(statement)
    return found


async def find_by_badge_key(session: AsyncSession, key: str) -> Check | None:
    found: Check | None = await session.scalar(select(Check).where(Check.badge_key == key))
    return found


def pings_statement(check_id: UUID) -> sa.Select[Ping]:
    """Make the SELECT of a check's signs, newest first."""
    return sa.select(Ping).where(col(Ping.check_id) == check_id).order_by(col(Ping.id).desc())


async def lock_of_jobs(session: AsyncSession) -> list[Check]:
    """Return the checks that watch jobs of ours; one that somebody changes just now is left for the next time."""
    statement = (
        select(Check)
        .where(col(Check.job_id).is_not(None), Check.state != CheckState.PAUSED)
        .order_by(col(Check.id))
        .with_for_update(key_share=True, skip_locked=True)
    )
    return list(await session.scalars(statement))


async def mark_late(session: AsyncSession, now: datetime) -> None:
    """Note which signs are due and did not come; their grace still runs."""
    await session.execute(
        sa.update(checks)
        .where(checks.c.state == CheckState.UP, checks.c.due_at <= now)
        .values(state=CheckState.LATE, state_changed_at=now, updated_at=checks.c.updated_at)
    )


async def mark_down(session: AsyncSession, now: datetime, *, heard_seconds: float, limit: int) -> list[Check]:
    """Move up to `limit` silent checks down; return them. Only those whose whole grace was listened to."""
    silent = (
        sa.select(checks.c.id)
        .where(checks.c.state.in_(LISTENING), checks.c.down_at <= now, checks.c.grace_seconds <= heard_seconds)
        .order_by(checks.c.down_at, checks.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        sa.update(Check)
        .where(col(Check.id).in_(silent), col(Check.state).in_(LISTENING))
        .values(state=CheckState.DOWN, state_changed_at=now, reminded_at=now, updated_at=checks.c.updated_at)
        .returning(Check)
    )
    return list(await session.scalars(statement, execution_options={"populate_existing": True}))


async def mark_reminded(session: AsyncSession, now: datetime, *, limit: int) -> list[Check]:
    """Note for up to `limit` checks that are down that it is told again; return them."""
    wants = sa.or_(
        *(
            sa.and_(checks.c.reminder == reminder, checks.c.reminded_at <= now - wait)
            for reminder, wait in REMIND_AFTER.items()
        )
    )
    due = (
        sa.select(checks.c.id)
        .where(checks.c.state == CheckState.DOWN, wants)
        .order_by(checks.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        sa.update(Check)
        .where(col(Check.id).in_(due))
        .values(reminded_at=now, updated_at=checks.c.updated_at)
        .returning(Check)
    )
    return list(await session.scalars(statement, execution_options={"populate_existing": True}))


async def delete_pings_beyond(session: AsyncSession, keep: int) -> int:
    """Delete all but the newest signs of each check; return how many there were."""
    place = sa.func.row_number().over(partition_by=pings.c.check_id, order_by=pings.c.id.desc())
    placed = sa.select(pings.c.id, place.label("place")).subquery()
    old = sa.select(placed.c.id).where(placed.c.place > keep)
    return len((await session.execute(sa.delete(pings).where(pings.c.id.in_(old)).returning(pings.c.id))).all())
