"""One's own inbox."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from stationmaster.domains.notifications import service
from stationmaster.domains.notifications.listing import NOTIFICATIONS, NotificationItem
from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.schemas import NotificationOut, UnreadCountOut, UpdatedCountOut
from stationmaster.identity.dependencies import CurrentActor
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep
from stationmaster.web.time_range import TimeRangeDep

router = APIRouter(prefix="/notifications", tags=["notifications"], route_class=Operation)

InboxQueryDep = Annotated[ListQuery, Depends(list_query(NOTIFICATIONS, NotificationItem, default_sort="-id"))]


@router.get("", summary="List your notifications")
async def list_notifications(
    actor: CurrentActor,
    session: ReadSessionDep,
    span: TimeRangeDep,
    query: InboxQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
    unread_only: Annotated[bool, Query(description="Only what you have not read.")] = False,
) -> LargePage[NotificationItem] | CursorPage[NotificationItem]:
    """List your own inbox, newest first; nobody reads another's. `from` and `to` narrow by when you were told."""
    plan = query.plan(is_admin=actor.is_admin)

    def show(rows: Sequence[Notification]) -> list[NotificationItem]:
        return [make_item(NotificationItem, NotificationOut.of(row), plan.fields) for row in rows]

    page: LargePage[NotificationItem] | CursorPage[NotificationItem] = await paginate(
        session,
        plan.narrow(service.list_statement(actor.user_id, unread_only=unread_only, start=span.start, end=span.end)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=show,
    )
    return page


@router.get("/unread-count", summary="Count your unread notifications")
async def count_unread_notifications(
    actor: CurrentActor, session: ReadSessionDep, span: TimeRangeDep
) -> UnreadCountOut:
    """Count what you have not read, in a range of time if one is given."""
    return UnreadCountOut(unread_count=await service.count_unread(session, actor.user_id, span.start, span.end))


@router.put("/read-all", summary="Mark all your notifications as read")
async def read_all_notifications(actor: CurrentActor, session: SessionDep, span: TimeRangeDep) -> UpdatedCountOut:
    """Mark everything in your inbox as read, or what came in a range of time; tell how many were unread."""
    return UpdatedCountOut(updated_count=await service.mark_all_read(session, actor.user_id, span.start, span.end))


@router.delete("/read", status_code=204, summary="Delete your read notifications")
async def delete_read_notifications(actor: CurrentActor, session: SessionDep, span: TimeRangeDep) -> None:
    """Delete what you have read, all of it or what came in a range of time."""
    await service.delete_read(session, actor.user_id, span.start, span.end)


@router.get("/{notification_id}", summary="Read a notification", responses=problems(404))
async def get_notification(notification_id: UUID, actor: CurrentActor, session: ReadSessionDep) -> NotificationOut:
    """Read one notice of your inbox; that does not mark it as read."""
    return NotificationOut.of(await service.get_notification(session, actor.user_id, notification_id))


@router.put("/{notification_id}/read", summary="Mark a notification as read", responses=problems(404))
async def read_notification(
    notification_id: UUID, actor: CurrentActor, session: SessionDep, if_match: IfMatchDep
) -> NotificationOut:
    """Mark one notice as read. Done again it changes nothing."""
    await if_match.check(lambda: _show(session, actor.user_id, notification_id))
    return NotificationOut.of(await service.mark_read(session, actor.user_id, notification_id))


@router.delete("/{notification_id}", status_code=204, summary="Delete a notification", responses=problems(404))
async def delete_notification(
    notification_id: UUID, actor: CurrentActor, session: SessionDep, if_match: IfMatchDep
) -> None:
    """Delete one notice from your inbox."""
    await if_match.check(lambda: _show(session, actor.user_id, notification_id))
    await service.delete_notification(session, actor.user_id, notification_id)


async def _show(session: SessionDep, user_id: UUID, notification_id: UUID) -> NotificationOut:
    return NotificationOut.of(await service.get_notification(session, user_id, notification_id, for_update=True))
