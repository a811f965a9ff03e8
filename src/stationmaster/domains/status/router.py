"""The status log, for admins."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from stationmaster.domains.status import service
from stationmaster.domains.status.listing import STATUS, StatusItem
from stationmaster.domains.status.models import StatusEntry
from stationmaster.domains.status.schemas import StatusOut
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.operation import Operation
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, paginate
from stationmaster.web.session import ReadSessionDep
from stationmaster.web.time_range import TimeRange, make_range

router = APIRouter(prefix="/status", tags=["operations"], route_class=Operation)

StatusQueryDep = Annotated[ListQuery, Depends(list_query(STATUS, StatusItem, default_sort="-timestamp"))]


async def read_dates(
    start_date: Annotated[
        str | None, Query(max_length=64, description="An instant (RFC 3339, UTC when it names no zone) or a date.")
    ] = None,
    end_date: Annotated[
        str | None, Query(max_length=64, description="The same; exclusive, but a date is covered whole.")
    ] = None,
) -> TimeRange:
    """Read the range of time, under the names that this list has for it."""
    return make_range(start_date, end_date, names=("start_date", "end_date"))


@router.get("", summary="List the status log")
async def list_status(
    actor: RequireAdmin,
    session: ReadSessionDep,
    span: Annotated[TimeRange, Depends(read_dates)],
    query: StatusQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
) -> LargePage[StatusItem] | CursorPage[StatusItem]:
    """List how many executions, people and scripts there were, and how busy the machine was, newest first. For admins.

    There is an entry for each change of state, one a second at most, and one every two minutes in any case.
    """
    plan = query.plan(is_admin=actor.is_admin)

    async def show(rows: Sequence[StatusEntry]) -> list[StatusItem]:
        return [make_item(StatusItem, StatusOut.model_validate(row), plan.fields) for row in rows]

    page: LargePage[StatusItem] | CursorPage[StatusItem] = await paginate(
        session,
        plan.narrow(service.list_statement(span.start, span.end)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=show,
    )
    return page
