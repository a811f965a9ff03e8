"""Letting the slots of a job pass without a run, and letting them run again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import ledger
from stationmaster.domains.jobs import ending, repository, tick, told
from stationmaster.domains.jobs.action_schemas import PauseIn, ResumeIn
from stationmaster.domains.jobs.errors import AlreadyPaused, JobEnded, NotPaused
from stationmaster.domains.jobs.models import Job, PauseCause
from stationmaster.domains.jobs.reading import is_paused_at
from stationmaster.domains.jobs.service import get_own_job
from stationmaster.domains.jobs.timetables import find_timetable
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit.timetable import RESOLUTION


async def pause_job(session: AsyncSession, id_: UUID, wanted: PauseIn, actor: Actor) -> Job:
    """Let the slots of a job pass without a run, each of them recorded, until it is resumed.

    Raises:
        JobNotFound, Forbidden, AlreadyPaused, Invalid
    """
    job = await get_own_job(session, id_, actor)
    now = await tick.settle(session, job.id) if job.paused_at else await database_now(session)
    if job.paused_at is not None and is_paused_at(job, now):
        raise AlreadyPaused(job.paused_at)
    if wanted.until is not None and wanted.until <= now:
        raise Invalid(FieldError("lies in the past", pointer="/until"))
    before = told.tell_job(job)
    job.paused_at, job.paused_until, job.pause_reason = now, wanted.until, wanted.reason
    job.pause_cause = PauseCause.REQUESTED
    await session.flush()
    audit.note(session, "job", job.id, before=before, after=told.tell_job(job))
    return job


async def resume_job(session: AsyncSession, id_: UUID, wanted: ResumeIn, actor: Actor) -> Job:
    """End a pause: slots from now on run again, or from another instant on.

    Raises:
        JobNotFound, Forbidden, NotPaused, JobEnded, Invalid
    """
    job = await get_own_job(session, id_, actor)
    now = await tick.settle(session, job.id)
    if not is_paused_at(job, now):
        raise NotPaused
    if ending.has_ended(job, now):
        raise JobEnded(job.end_date)
    before = told.tell_job(job)
    if wanted.since is not None and wanted.since < now:
        await _take_up(session, job, wanted.since)
    job.failures_in_a_row = 0
    job.paused_until = wanted.since or now  # the tick ends the pause once its last slots are recorded
    await session.flush()
    audit.note(session, "job", job.id, before=before, after=told.tell_job(job))
    notify(session, Wake.TICK)
    return job


async def _take_up(session: AsyncSession, job: Job, since: datetime) -> None:
    """Let the slots of the pause from an instant on be decided anew, as if they had been missed."""
    assert job.paused_at is not None
    if since < job.paused_at:
        raise Invalid(FieldError("lies before the pause began", pointer="/from"))
    for schedule in await repository.list_schedules(session, job.id, for_update=True):
        timetable = find_timetable(schedule)
        if timetable is None or not schedule.is_active or not job.is_active:
            continue
        await ledger.forget_paused_slots(session, schedule.id, since, timetable)
        schedule.last_slot_at = timetable.newest_at_or_before(since - RESOLUTION)
        schedule.next_run_at = timetable.next_after(since - RESOLUTION)
        schedule.gap_id = None
