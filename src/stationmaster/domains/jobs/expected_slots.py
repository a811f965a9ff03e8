"""When a job is planned to run, whether or not it is paused: for those who watch that it does."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs import repository
from stationmaster.domains.jobs.timetables import find_timetable


async def next_slot_after(session: AsyncSession, job_id: UUID, instant: datetime) -> datetime | None:
    """Return the first planned slot after an instant over all active schedules of a job; None when there is none."""
    timetables = [
        find_timetable(schedule) for schedule in await repository.list_schedules(session, job_id) if schedule.is_active
    ]
    slots = [timetable.next_after(instant) for timetable in timetables if timetable is not None]
    return min((slot for slot in slots if slot is not None), default=None)
