"""Schedules that follow when a calendar changes."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs import repository, schedules, tick
from stationmaster.domains.jobs.calendars import service
from stationmaster.domains.jobs.calendars.models import Calendar
from stationmaster.domains.jobs.calendars.schemas import CalendarPatch
from stationmaster.identity.actor import Actor


async def update_calendar(session: AsyncSession, id_: UUID, patch: CalendarPatch, actor: Actor) -> Calendar:
    """Change a calendar, and the plans of the schedules that leave its times out; what was decided stays.

    Raises:
        CalendarNotFound, Forbidden, CalendarNameTaken, Invalid
    """
    calendar = await service.get_own_calendar(session, id_, actor)
    job_ids = await service.list_job_ids(session, id_)
    settled = {job_id: await tick.settle(session, job_id) for job_id in job_ids}
    await service.change_calendar(session, calendar, patch)
    for job_id, settled_at in settled.items():
        job = await repository.find_job(session, job_id)
        assert job is not None
        for schedule in await repository.list_schedules(session, job_id, for_update=True):
            await service.relink(session, schedule)
        await session.flush()
        await schedules.replan(session, job, settled_at)
    await session.refresh(calendar)
    return calendar
