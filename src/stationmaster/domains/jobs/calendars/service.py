"""What others may ask of calendars."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.jobs.calendars import repository
from stationmaster.domains.jobs.calendars.ical import IcalError, read_ical
from stationmaster.domains.jobs.calendars.models import Calendar
from stationmaster.domains.jobs.calendars.schemas import CalendarIn, CalendarPatch
from stationmaster.domains.jobs.errors import CalendarInUse, CalendarNameTaken, CalendarNotFound
from stationmaster.domains.jobs.models import Schedule
from stationmaster.errors import FieldError, Forbidden, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit import clock


def list_statement() -> Any:
    """Return the statement of a list of calendars, by name, for paging."""
    return repository.list_statement()


async def list_calendars(session: AsyncSession) -> list[Calendar]:
    """Return every calendar, by name."""
    return await repository.list_all(session)


async def get_calendar(session: AsyncSession, id_: UUID) -> Calendar:
    """Return a calendar.

    Raises:
        CalendarNotFound: there is none with this id.
    """
    calendar = await repository.find(session, id_)
    if calendar is None:
        raise CalendarNotFound(id_)
    return calendar


async def get_own_calendar(session: AsyncSession, id_: UUID, actor: Actor) -> Calendar:
    """Return a calendar that the caller may change, locked.

    Raises:
        CalendarNotFound: there is none with this id.
        Forbidden: it belongs to somebody else.
    """
    calendar = await repository.find(session, id_, for_update=True)
    if calendar is None:
        raise CalendarNotFound(id_)
    if not actor.may_change(calendar.owner_id):
        raise Forbidden("Only the owner of the calendar and admins may do this.")
    return calendar


async def count_uses(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, int]:
    """Count the schedules that leave out the times of these calendars."""
    return await repository.count_uses(session, ids)


async def create_calendar(session: AsyncSession, wanted: CalendarIn, actor: Actor) -> Calendar:
    """Store a calendar.

    Raises:
        CalendarNameTaken, Invalid
    """
    if await repository.is_name_taken(session, wanted.name):
        raise CalendarNameTaken(wanted.name)
    calendar = Calendar(
        name=wanted.name,
        description=wanted.description,
        owner_id=actor.user_id,
        dates=_sort_dates(wanted.dates),
        ranges=[[one.start, one.end] for one in wanted.ranges],
        ical_ranges=_read(wanted.ical),
    )
    session.add(calendar)
    await session.flush()
    audit.note(session, "calendar", calendar.id, after=snapshot(calendar))
    return calendar


async def change_calendar(session: AsyncSession, calendar: Calendar, patch: CalendarPatch) -> None:
    """Change a calendar, but not yet the schedules that use it.

    Raises:
        CalendarNameTaken, Invalid
    """
    before = snapshot(calendar)
    if patch.name is not None and await repository.is_name_taken(session, patch.name, except_id=calendar.id):
        raise CalendarNameTaken(patch.name)
    for name in patch.model_fields_set & {"name", "description"}:
        setattr(calendar, name, getattr(patch, name))
    if patch.dates is not None:
        calendar.dates = _sort_dates(patch.dates)
    if patch.ranges is not None:
        calendar.ranges = [[one.start, one.end] for one in patch.ranges]
    if "ical" in patch.model_fields_set:
        calendar.ical_ranges = _read(patch.ical)
    await session.flush()
    audit.note(session, "calendar", calendar.id, before=before, after=snapshot(calendar))


async def delete_calendar(session: AsyncSession, id_: UUID, actor: Actor) -> None:
    """Delete a calendar.

    Raises:
        CalendarNotFound, Forbidden
        CalendarInUse: schedules leave its times out.
    """
    calendar = await get_own_calendar(session, id_, actor)
    uses = (await repository.count_uses(session, [id_])).get(id_, 0)
    if uses:
        raise CalendarInUse(uses)
    audit.note(session, "calendar", calendar.id, before=snapshot(calendar))
    await session.delete(calendar)


async def list_job_ids(session: AsyncSession, calendar_id: UUID) -> list[UUID]:
    """Return the jobs with schedules that leave out the times of a calendar."""
    return await repository.list_job_ids(session, calendar_id)


async def choose(session: AsyncSession, names: Sequence[str], *, pointer: str) -> list[Calendar]:
    """Return the calendars with these names.

    Raises:
        Invalid: there is none with one of the names; `pointer` says where the caller gave them.
    """
    if not names:
        return []
    found = {calendar.name: calendar for calendar in await repository.list_named(session, names)}
    missing = [index for index, name in enumerate(names) if name not in found]
    if missing:
        raise Invalid(*(FieldError("there is no such calendar", pointer=f"{pointer}/{index}") for index in missing))
    return list(found.values())


async def link(session: AsyncSession, schedule: Schedule, calendars: Sequence[Calendar]) -> None:
    """Keep which calendars a stored schedule uses, so that it can follow when they change."""
    await repository.replace_links(session, schedule.id, [calendar.id for calendar in calendars])


async def relink(session: AsyncSession, schedule: Schedule) -> None:
    """Copy the times of its calendars to a schedule anew."""
    copy_times(schedule, await repository.list_of_schedule(session, schedule.id))


def copy_times(schedule: Schedule, calendars: Sequence[Calendar]) -> None:
    """Let a schedule know names and times of its calendars."""
    schedule.calendars = [calendar.name for calendar in calendars] or None
    schedule.closed = [times for calendar in calendars for times in _times_of(calendar)] or None


def _times_of(calendar: Calendar) -> list[list[str]]:
    return [*([day, day] for day in calendar.dates), *calendar.ranges, *(one[:2] for one in calendar.ical_ranges)]


def _sort_dates(dates: Sequence[str]) -> list[str]:
    return sorted(set(dates))


def _read(ical: str | None) -> list[list[str]]:
    try:
        return read_ical(ical, now=clock.now()) if ical else []
    except IcalError as error:
        raise Invalid(FieldError(str(error), pointer="/ical")) from error
