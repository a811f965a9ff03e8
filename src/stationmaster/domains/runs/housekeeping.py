"""What is done about runs again and again: neutralising what is due, and purging what was deleted long ago."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.clock import database_now
from stationmaster.db.statements import delete_some
from stationmaster.domains.processes import service as processes
from stationmaster.domains.runs import due, neutralising
from stationmaster.domains.runs.models import Run

BATCH = 500
KEEP_DELETED = timedelta(days=30)
"""How long what was deleted can be restored."""


async def neutralize_due(session: AsyncSession) -> int:
    """Neutralise a batch of the runs that are due; return how many were."""
    runs = await due.lock_due(session, await database_now(session), limit=BATCH)
    return len(await neutralising.neutralize(session, runs))


async def purge_deleted(session: AsyncSession) -> int:
    """Delete for good a batch of what was deleted long ago, and what the work for it left; return how many runs."""
    before = await database_now(session) - KEEP_DELETED
    gone = await processes.list_deleted(session, before)
    is_old = sa.or_(col(Run.deleted_at) < before, col(Run.process_id).in_(gone))
    statement = select(Run).where(is_old, col(Run.held_at).is_(None)).limit(BATCH).with_for_update(skip_locked=True)
    runs = list(await session.scalars(statement))
    fresh = [run for run in runs if run.neutralized_at is None]
    left = {run.id for run in fresh} - set(await neutralising.neutralize(session, fresh))
    ids = [run.id for run in runs if run.id not in left]
    if ids:
        await delete_some(session, Run, col(Run.id).in_(ids), limit=BATCH)
    elif not runs:
        await processes.purge(session, gone, but=await _list_held(session, gone))
    return len(ids)


async def _list_held(session: AsyncSession, process_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the processes that still have runs: those under legal hold keep theirs."""
    statement = sa.select(col(Run.process_id)).where(col(Run.process_id).in_(process_ids)).distinct()
    return set(await session.scalars(statement))
