"""The coming runs of all jobs over HTTP."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from stationmaster.domains.jobs import upcoming
from stationmaster.domains.jobs.action_schemas import ComingOut, UpcomingOut
from stationmaster.domains.jobs.router import find_category, find_team
from stationmaster.domains.jobs.upcoming import Window
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.dependencies import CurrentActor
from stationmaster.kit import clock
from stationmaster.web.operation import Operation
from stationmaster.web.paging import PageParamsDep, cut_page
from stationmaster.web.schema import Text
from stationmaster.web.session import ReadSessionDep
from stationmaster.web.time_range import TimeRangeDep

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=Operation)

A_DAY = timedelta(days=1)
MOST_DAYS = timedelta(days=31)


async def read_window(
    session: ReadSessionDep,
    span: TimeRangeDep,
    job_id: Annotated[UUID | None, Query(description="Runs of this job.")] = None,
    owner_id: Annotated[UUID | None, Query(description="Runs of this owner's jobs.")] = None,
    category: Annotated[Text | None, Query(max_length=255, description="Slug or name of a job category.")] = None,
    team: Annotated[Text | None, Query(max_length=255, description="Slug or name of a team.")] = None,
) -> Window:
    """Return which coming runs are wanted.

    Raises:
        Invalid: the time is too long, or a label is not there.
    """
    start = span.start or clock.now()
    end = span.end or start + A_DAY
    if end - start > MOST_DAYS:
        raise Invalid(FieldError(f"lies more than {MOST_DAYS.days} days after from", parameter="to"))
    return Window(
        start,
        end,
        job_id=job_id,
        owner_id=owner_id,
        category_id=await find_category(session, category),
        team_id=await find_team(session, team),
    )


WindowDep = Annotated[Window, Depends(read_window)]


@router.get("/upcoming", summary="List the coming runs of all jobs")
async def list_upcoming(
    _actor: CurrentActor,
    session: ReadSessionDep,
    wanted: WindowDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> UpcomingOut:
    """List the runs that are planned, over all jobs, in the order of time: of the next 24 hours, or from `from` to `to`.

    At most 31 days and the first 1000 runs are looked at; `is_complete` says whether those are all.
    """
    found = await upcoming.list_coming(session, wanted, clock.now())
    coming = [ComingOut(**asdict(one)) for one in found[: upcoming.MOST]]
    page = cut_page(coming, params, request=request, response=response)
    return UpcomingOut(**dict(page), start=wanted.start, end=wanted.end, is_complete=len(found) <= upcoming.MOST)
