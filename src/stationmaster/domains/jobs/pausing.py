"""Letting the slots of a job pass without a run, and letting them run again."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.jobs import ending, tick, told
from stationmaster.domains.jobs.action_schemas import PauseIn
from stationmaster.domains.jobs.errors import AlreadyPaused, JobEnded, NotPaused
from stationmaster.domains.jobs.models import Job, PauseCause
from stationmaster.domains.jobs.reading import is_paused_at
from stationmaster.domains.jobs.service import get_own_job
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor


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


async def resume_job(session: AsyncSession, id_: UUID, actor: Actor) -> Job:
    """End a pause: slots from now on run again.

    Raises:
        JobNotFound, Forbidden, NotPaused, JobEnded
    """
    job = await get_own_job(session, id_, actor)
    now = await database_now(session)
    if not is_paused_at(job, now):
        raise NotPaused
    if ending.has_ended(job, now):
        raise JobEnded(job.end_date)
    before = told.tell_job(job)
    job.failures_in_a_row = 0
    job.paused_until = now  # the tick ends the pause once its last slots are recorded
    await session.flush()
    audit.note(session, "job", job.id, before=before, after=told.tell_job(job))
    notify(session, Wake.TICK)
    return job
