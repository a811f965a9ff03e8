"""Calendars over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs import calendar_changes
from stationmaster.domains.jobs.calendars import service
from stationmaster.domains.jobs.calendars.listing import CALENDARS, CalendarItem
from stationmaster.domains.jobs.calendars.models import Calendar
from stationmaster.domains.jobs.calendars.schemas import CalendarIn, CalendarOut, CalendarPatch, IcalTime, Range
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor, RequireUser
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/calendars", tags=["jobs"], route_class=Operation)

CalendarQueryDep = Annotated[ListQuery, Depends(list_query(CALENDARS, CalendarItem, default_sort="name"))]


@router.get("", summary="List calendars")
async def list_calendars(
    actor: CurrentActor,
    session: ReadSessionDep,
    query: CalendarQueryDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> Page[CalendarItem]:
    """List the calendars by name, each with its times."""
    plan = query.plan(is_admin=actor.is_admin)
    page: Page[CalendarItem] = await paginate(
        session,
        plan.narrow(service.list_statement()),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: _show_items(session, rows, plan.fields),
    )
    return page


@router.post("", status_code=201, summary="Create a calendar", responses=problems(403, 409))
async def create_calendar(body: CalendarIn, actor: RequireUser, session: SessionDep, response: Response) -> CalendarOut:
    """Create a calendar of times in which schedules leave their slots out: days, ranges, and the events of an iCal file.

    A schedule names it in `calendars`. Days are days of the schedule's own zone.
    """
    calendar = await service.create_calendar(session, body, actor)
    response.headers["Location"] = f"/api/v1/calendars/{calendar.id}"
    return await _show(session, calendar)


@router.get("/{calendar_id}", summary="Read a calendar", responses=problems(404))
async def get_calendar(calendar_id: UUID, _actor: CurrentActor, session: ReadSessionDep) -> CalendarOut:
    """Read one calendar with its times."""
    return await _show(session, await service.get_calendar(session, calendar_id))


@router.patch("/{calendar_id}", summary="Change a calendar", responses=problems(403, 404, 409))
async def update_calendar(
    calendar_id: UUID, body: CalendarPatch, actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> CalendarOut:
    """Change a calendar; the schedules that use it follow at once, and what was decided stays. Owner or admin."""
    await if_match.check(lambda: _show_own(session, calendar_id, actor))
    return await _show(session, await calendar_changes.update_calendar(session, calendar_id, body, actor))


@router.delete("/{calendar_id}", status_code=204, summary="Delete a calendar", responses=problems(403, 404, 409))
async def delete_calendar(calendar_id: UUID, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Delete a calendar that no schedule uses. Owner or admin."""
    await if_match.check(lambda: _show_own(session, calendar_id, actor))
    await service.delete_calendar(session, calendar_id, actor)


async def _show(session: AsyncSession, calendar: Calendar) -> CalendarOut:
    return _make(calendar, (await service.count_uses(session, [calendar.id])).get(calendar.id, 0))


async def _show_own(session: AsyncSession, calendar_id: UUID, actor: Actor) -> CalendarOut:
    return await _show(session, await service.get_own_calendar(session, calendar_id, actor))


async def _show_items(session: AsyncSession, rows: Sequence[Calendar], fields: frozenset[str]) -> list[CalendarItem]:
    uses = await service.count_uses(session, [calendar.id for calendar in rows])
    return [make_item(CalendarItem, _make(calendar, uses.get(calendar.id, 0)), fields) for calendar in rows]


def _make(calendar: Calendar, uses: int) -> CalendarOut:
    return CalendarOut(
        **calendar.model_dump(exclude={"ranges", "ical_ranges"}),
        ranges=[Range(start=start, end=end) for start, end in calendar.ranges],
        ical_times=[IcalTime(start=start, end=end, name=name) for start, end, name in calendar.ical_ranges],
        schedule_count=uses,
    )
