"""What is done about runs again and again: neutralising what is due, and purging what was deleted long ago."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.clock import database_now
from stationmaster.db.retention import count_some
from stationmaster.db.statements import delete_some
from stationmaster.domains.processes import service as processes
from stationmaster.domains.runs import due, neutralising
from stationmaster.domains.runs.models import Run

BATCH = 500


async def neutralize_due(session: AsyncSession) -> int:
    """Neutralise a batch of the runs that are due; return how many were."""
    runs = await due.lock_due(session, await database_now(session), limit=BATCH)
    return len(await neutralising.neutralize(session, runs))


async def count_deleted(session: AsyncSession, before: datetime, limit: int) -> int:
    """Count the runs that were deleted before an instant, up to a limit."""
    statement = select(Run.id).where(await _is_gone(session, before))
    return await count_some(session, statement, limit)


async def purge_deleted(session: AsyncSession, before: datetime, limit: int) -> int:
    """Delete for good some of the runs that were deleted before an instant, and what the work for them left.

    A process that was deleted goes when its last run has gone.
    """
    statement = select(Run).where(await _is_gone(session, before)).limit(limit).with_for_update(skip_locked=True)
    runs = list(await session.scalars(statement))
    fresh = [run for run in runs if run.neutralized_at is None]
    left = {run.id for run in fresh} - set(await neutralising.neutralize(session, fresh))
    ids = [run.id for run in runs if run.id not in left]
    if ids:
        await delete_some(session, Run, col(Run.id).in_(ids), limit=limit)
    elif not runs:
        gone = await processes.list_deleted(session, before)
        await processes.purge(session, gone, but=await _list_held(session, gone))
    return len(ids)


async def _is_gone(session: AsyncSession, before: datetime) -> sa.ColumnElement[bool]:
    """Say that a run, or its process, was deleted before an instant; legal hold keeps it even then."""
    gone = await processes.list_deleted(session, before)
    return sa.and_(
        sa.or_(col(Run.deleted_at) < before, col(Run.process_id).in_(gone)),
        col(Run.held_at).is_(None),
    )


async def _list_held(session: AsyncSession, process_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the processes that still have runs: those under legal hold keep theirs."""
    statement = sa.select(col(Run.process_id)).where(col(Run.process_id).in_(process_ids)).distinct()
    return set(await session.scalars(statement))
