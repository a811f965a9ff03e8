"""End dates: the last day on which a job runs, and what happens when it is over.

The day is one of each schedule's own zone. `cutoff_at` of a schedule is the instant at which it is over there, and the
schedule has no slot from then on; `ends_at` of the job is the latest of them, and a job that has reached it is paused.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.domains.jobs import notices
from stationmaster.domains.jobs.models import Job, PauseCause, Schedule
from stationmaster.domains.notifications.notice import Topic
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import CronTimetable
from stationmaster.kit.instants import normalise
from stationmaster.kit.zone import load_zone

REMINDED_BEFORE = timedelta(days=30)

jobs = table_of(Job)
_TOLD = (jobs.c.id, jobs.c.name, jobs.c.owner_id, jobs.c.team_id, jobs.c.end_date)


def end_of_day(day: date, zone: str) -> datetime:
    """Return the instant at which a day is over in a zone."""
    return normalise(datetime.combine(day + timedelta(days=1), time(), tzinfo=load_zone(zone)))


def set_cutoff(schedule: Schedule, job: Job) -> None:
    """Let a schedule end with its job."""
    schedule.cutoff_at = end_of_day(job.end_date, schedule.timezone) if job.end_date else None


def set_end(job: Job, schedules: Sequence[Schedule], *, default_zone: str) -> None:
    """Let a job end with the last of its schedules; without any, by the zone of the house."""
    cutoffs = [schedule.cutoff_at for schedule in schedules if schedule.cutoff_at]
    job.ends_at = max(cutoffs, default=end_of_day(job.end_date, default_zone)) if job.end_date else None


def check_end_date(day: date | None, *, zone: str, now: datetime) -> None:
    """Refuse a last day that is over already.

    Raises:
        Invalid: it is.
    """
    if day is None:
        return
    if day.year >= LAST_YEAR:
        raise Invalid(FieldError(f"lies too far ahead; the last year is {LAST_YEAR - 1}", pointer="/end_date"))
    if end_of_day(day, zone) <= now:
        raise Invalid(FieldError("lies in the past: the job would never run", pointer="/end_date"))


LAST_YEAR = 9000
"""Beyond it the arithmetic of zones runs out of calendar."""


def has_ended(job: Job, now: datetime) -> bool:
    """Say whether a job's last day is over."""
    return job.ends_at is not None and job.ends_at <= now


async def pause_ended(session: AsyncSession) -> None:
    """Pause the jobs whose last day is over, and tell their people; those that pause already stay as they are."""
    now = await database_now(session)
    statement = (
        sa.update(jobs)
        .where(jobs.c.ends_at <= now, jobs.c.paused_at.is_(None))
        .values(
            paused_at=now,
            pause_cause=PauseCause.ENDED,
            pause_reason="The last day of the job, " + sa.cast(jobs.c.end_date, sa.Text) + ", is over.",
            updated_at=now,
        )
        .returning(*_TOLD)
    )
    for row in (await session.execute(statement)).all():
        await notices.tell(
            session,
            Topic.JOB_ENDED,
            job_id=row.id,
            owner_id=row.owner_id,
            team_id=row.team_id,
            title=f"{row.name} has ended",
            text=f"Its last day, {row.end_date}, is over, and the job pauses. A later end date lets it go on.",
            key=f"job_ended:{row.id}:{row.end_date}",
        )


async def remind_of_ends(session: AsyncSession, *, zone: str) -> None:
    """Tell the people of jobs that end within thirty days, once a week: on Mondays from nine o'clock on, in `zone`."""
    now = await database_now(session)
    monday = newest_monday(now, zone)
    statement = (
        sa.update(jobs)
        .where(
            jobs.c.ends_at > now,
            jobs.c.ends_at <= now + REMINDED_BEFORE,
            jobs.c.is_active,
            jobs.c.paused_at.is_(None),
            jobs.c.created_at < monday,
            sa.or_(jobs.c.reminded_at.is_(None), jobs.c.reminded_at < monday),
        )
        .values(reminded_at=now, updated_at=jobs.c.updated_at)
        .returning(*_TOLD)
    )
    for row in (await session.execute(statement)).all():
        await notices.tell(
            session,
            Topic.JOB_ENDING,
            job_id=row.id,
            owner_id=row.owner_id,
            team_id=row.team_id,
            title=f"{row.name} ends on {row.end_date}",
            text=f"The last day of the job is {row.end_date}; then it pauses. A later end date lets it go on.",
            key=f"job_ending:{row.id}:{monday.date()}",
        )


def newest_monday(now: datetime, zone: str) -> datetime:
    """Return the last Monday at nine o'clock in a zone that is not after an instant."""
    slot = CronTimetable(parse("0 9 * * 1"), load_zone(zone)).newest_at_or_before(now)
    assert slot is not None
    return slot
