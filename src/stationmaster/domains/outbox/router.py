"""The outbox over HTTP: what went out, what waits, what was given up."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from stationmaster.domains.outbox import service
from stationmaster.domains.outbox.listing import DELIVERIES, DeliveryItem
from stationmaster.domains.outbox.models import Channel, Message, MessageState
from stationmaster.domains.outbox.schemas import DeliveryOut
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep
from stationmaster.web.time_range import TimeRangeDep

router = APIRouter(prefix="/deliveries", tags=["deliveries"], route_class=Operation)

DeliveryQueryDep = Annotated[ListQuery, Depends(list_query(DELIVERIES, DeliveryItem, default_sort="-id"))]


@router.get("", summary="List deliveries")
async def list_deliveries(
    actor: RequireAdmin,
    session: ReadSessionDep,
    span: TimeRangeDep,
    query: DeliveryQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
    channel: Annotated[Channel | None, Query(description="By this channel.")] = None,
    state: Annotated[MessageState | None, Query(description="In this state; `failed` are the dead letters.")] = None,
) -> LargePage[DeliveryItem] | CursorPage[DeliveryItem]:
    """List the messages of the outbox (mail, Slack, webhook), newest first. For admins.

    `from` and `to` narrow by when they were written.
    """
    plan = query.plan(is_admin=actor.is_admin)

    def show(rows: Sequence[Message]) -> list[DeliveryItem]:
        return [make_item(DeliveryItem, DeliveryOut.of(row), plan.fields) for row in rows]

    statement = service.list_statement(channel=channel, state=state, start=span.start, end=span.end)
    page: LargePage[DeliveryItem] | CursorPage[DeliveryItem] = await paginate(
        session,
        plan.narrow(statement),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=show,
    )
    return page


@router.get("/{delivery_id}", summary="Read a delivery", responses=problems(404))
async def get_delivery(delivery_id: UUID, _actor: RequireAdmin, session: ReadSessionDep) -> DeliveryOut:
    """Tell what became of one message. For admins."""
    return DeliveryOut.of(await service.get_message(session, delivery_id))


@router.post("/{delivery_id}/resend", status_code=202, summary="Send a delivery again", responses=problems(404, 409))
async def resend_delivery(delivery_id: UUID, _actor: RequireAdmin, session: SessionDep) -> DeliveryOut:
    """Queue a message again that was given up, or a notice that was sent. For admins.

    It keeps its id, so that receivers recognise it. One that still waits is a conflict; so is a mail about an account that
    was sent: what it said is gone.
    """
    return DeliveryOut.of(await service.resend(session, delivery_id))
