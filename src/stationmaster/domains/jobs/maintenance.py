"""Pauses of a whole category, or of everything: the slots of the time pass without a run, each recorded.

They stand beside the pauses of single jobs, and neither ends the other.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.jobs.action_schemas import MaintenanceIn
from stationmaster.domains.jobs.errors import AlreadyPaused, NotPaused
from stationmaster.domains.jobs.models import EVERYTHING, Job, MaintenancePause, Schedule
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor

pauses = table_of(MaintenancePause)
jobs = table_of(Job)
schedules = table_of(Schedule)


def list_statement(now: datetime) -> sa.Select[MaintenancePause]:
    """Select the pauses that hold now, that of everything first."""
    until = col(MaintenancePause.paused_until)
    return (
        sa.select(MaintenancePause).where(sa.or_(until.is_(None), until > now)).order_by(col(MaintenancePause.scope_id))
    )


async def list_pauses(session: AsyncSession, now: datetime) -> Sequence[MaintenancePause]:
    """Return the pauses that hold now, that of everything first."""
    return (await session.scalars(list_statement(now))).all()


def holds(pause: MaintenancePause, now: datetime) -> bool:
    """Say whether a pause holds; one that is over may wait for the tick to record its last slots."""
    return pause.paused_until is None or pause.paused_until > now


def find_for(job: Job, holding: Sequence[MaintenancePause]) -> MaintenancePause | None:
    """Return the pause that holds for a job, the widest if there are several."""
    return next((pause for pause in holding if pause.scope_id in {EVERYTHING, job.category_id}), None)


async def pause(session: AsyncSession, wanted: MaintenanceIn, actor: Actor) -> MaintenancePause:
    """Let a category, or everything, pause.

    Raises:
        AlreadyPaused, Invalid
    """
    scope_id = await _find_scope(session, wanted.category)
    now = await database_now(session)
    if wanted.until is not None and wanted.until <= now:
        raise Invalid(FieldError("lies in the past", pointer="/until"))
    pause = await session.get(MaintenancePause, scope_id, with_for_update=True, populate_existing=True)
    if pause is not None:
        raise AlreadyPaused(pause.paused_at)
    pause = MaintenancePause(
        scope_id=scope_id,
        paused_at=now,
        paused_until=wanted.until,
        reason=wanted.reason,
        paused_by=actor.user_id,
    )
    session.add(pause)
    await session.flush()
    audit.note(session, "maintenance", scope_id, after=snapshot(pause))
    return pause


async def finish(session: AsyncSession, category: str | None) -> MaintenancePause:
    """End the pause of a category, or that of everything.

    Raises:
        NotPaused, Invalid
    """
    scope_id = await _find_scope(session, category)
    now = await database_now(session)
    pause = await session.get(MaintenancePause, scope_id, with_for_update=True, populate_existing=True)
    if pause is None or not holds(pause, now):
        raise NotPaused
    before = snapshot(pause)
    pause.paused_until = now  # the tick removes it once its last slots are recorded
    await session.flush()
    audit.note(session, "maintenance", scope_id, before=before, after=snapshot(pause))
    notify(session, Wake.TICK)
    return pause


async def _find_scope(session: AsyncSession, category: str | None) -> UUID:
    if category is None:
        return EVERYTHING
    found = await taxonomy.find_category_id(session, category)
    if found is None:
        raise Invalid(FieldError(f"there is no job category {category[:100]!r}", pointer="/category"))
    return found


async def forget_finished(session: AsyncSession, now: datetime) -> None:
    """Remove the pauses whose time is over and whose slots are all decided."""
    is_in_scope = sa.or_(pauses.c.scope_id == EVERYTHING, pauses.c.scope_id == jobs.c.category_id)
    has_due = sa.exists().where(
        schedules.c.job_id == jobs.c.id, is_in_scope, schedules.c.next_run_at < pauses.c.paused_until
    )
    await session.execute(sa.delete(pauses).where(pauses.c.paused_until <= now, ~has_due))
