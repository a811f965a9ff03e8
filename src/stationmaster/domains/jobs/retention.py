"""Forgetting old executions, without ever freeing a slot.

`schedules.last_slot_at` forbids that an old slot is made again, whether or not its record is there. `schedules.swept_until`
says up to which slot records may be gone, so that the auditor of the ledger misses none. What something else still needs
stays: an execution that a retry names, the record that a pause under way extends, an end that nobody has followed yet.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.db.retention import Apply, Rule, count_some, oldest_kept
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.retention import Kept
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.retention_settings import RetentionSettings

executions = table_of(Execution)
jobs = table_of(Job)
schedules = table_of(Schedule)
retries = executions.alias("retries")


def rules(settings: RetentionSettings, is_kept: Kept) -> Iterator[Rule]:
    """Offer the rules: by age, and by how many each job has."""
    text = "Ended executions, with their attempts and logs."
    yield Rule("executions", text, *_apply(lambda before: _old(before, is_kept)), keep=settings.executions)
    text, most = "Ended executions beyond the newest of each job.", settings.executions_per_job
    yield Rule("executions_per_job", text, *_apply(lambda _before: _beyond(most)), keep_count=most)


def _apply(choose: Callable[[datetime], sa.Select[tuple[UUID]]]) -> tuple[Apply, Apply]:
    """Make what counts and what removes the executions that are chosen."""

    async def count(session: AsyncSession, before: datetime, limit: int) -> int:
        return await count_some(session, choose(before), limit)

    async def remove(session: AsyncSession, before: datetime, limit: int) -> int:
        return await _remove(session, choose(before).limit(limit))

    return count, remove


def _old(before: datetime, is_kept: Kept) -> sa.Select[tuple[UUID]]:
    last_slot = sa.func.coalesce(executions.c.slot_until, executions.c.scheduled_for, executions.c.queued_at)
    return (
        sa.select(executions.c.id)
        .where(executions.c.queued_at < before)
        .where(executions.c.finished_at < before)
        .where(last_slot < before)
        .where(*_unneeded(), ~is_kept(executions.c.step_run_id))
        .order_by(executions.c.queued_at)
    )


def _beyond(most: int) -> sa.Select[tuple[UUID]]:
    """Select what is older than the newest so many of each job."""
    kept = oldest_kept(most, executions.c.job_id, jobs.c.id)
    return (
        sa.select(executions.c.id)
        .join(kept, sa.and_(kept.c.owner == executions.c.job_id, executions.c.id < kept.c.oldest))
        .where(executions.c.finished_at.is_not(None))
        .where(*_unneeded())
    )


def _unneeded() -> Iterator[sa.ColumnElement[bool]]:
    yield ~executions.c.is_watched
    yield ~sa.exists().where(retries.c.retry_of == executions.c.id)
    yield executions.c.id.not_in(sa.select(schedules.c.gap_id).where(schedules.c.gap_id.is_not(None)))


async def _remove(session: AsyncSession, chosen: sa.Select[tuple[UUID]]) -> int:
    slot = sa.func.coalesce(executions.c.slot_until, executions.c.scheduled_for).label("slot")
    statement = sa.delete(executions).where(executions.c.id.in_(chosen)).returning(executions.c.schedule_id, slot)
    gone = (await session.execute(statement)).all()
    swept: dict[UUID, datetime] = {}
    for schedule_id, last_slot in gone:
        if schedule_id is not None:
            swept[schedule_id] = max(swept.get(schedule_id, last_slot), last_slot)
    if swept:
        await _mark(session, swept)
    return len(gone)


async def _mark(session: AsyncSession, swept: Mapping[UUID, datetime]) -> None:
    given = recordset(session, "rows", {"id": sa.Uuid(), "slot": schedules.c.swept_until.type})
    is_further = sa.or_(schedules.c.swept_until.is_(None), schedules.c.swept_until < given.c.slot)
    statement = (
        sa.update(schedules)
        .where(schedules.c.id == given.c.id, is_further)
        # Nobody changed the schedule: the column says so itself, or the table would.
        .values(swept_until=given.c.slot, updated_at=schedules.c.updated_at)
    )
    rows = [{"id": id_, "slot": slot} for id_, slot in swept.items()]
    await session.execute(statement, {"rows": encode_rows(session, rows)})
