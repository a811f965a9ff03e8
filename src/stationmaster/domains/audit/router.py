"""The audit log over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from stationmaster.domains.audit import archive as reading
from stationmaster.domains.audit.archive import Archive
from stationmaster.domains.audit.listing import AUDIT_LOGS, AuditLogItem
from stationmaster.domains.audit.models import AuditLog, Outcome
from stationmaster.domains.audit.repository import Filters
from stationmaster.domains.audit.schemas import AnchorIn, AuditLogOut, StatsOut, VerdictOut
from stationmaster.domains.audit.verifying import verify
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.web.application import DatabaseDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, paginate
from stationmaster.web.schema import Text
from stationmaster.web.session import ReadSessionDep
from stationmaster.web.time_range import TimeRangeDep

router = APIRouter(prefix="/audit-logs", tags=["audit-logs"], route_class=Operation)


async def get_archive(request: Request) -> Archive:
    """Return what the lifespan made for the audit log."""
    archive: Archive = request.app.state.audit_archive
    return archive


ArchiveDep = Annotated[Archive, Depends(get_archive)]


async def read_filters(
    span: TimeRangeDep,
    actor_id: Annotated[UUID | None, Query(description="Entries of this account or API key.")] = None,
    user_id: Annotated[UUID | None, Query(description="Entries of this account, and of its API keys.")] = None,
    action: Annotated[Text | None, Query(max_length=100, description="Operation id, such as `create_job`.")] = None,
    resource_type: Annotated[Text | None, Query(max_length=64, description="Kind of object, such as `job`.")] = None,
    resource_id: Annotated[Text | None, Query(max_length=255, description="Entries about this object.")] = None,
    outcome: Annotated[Outcome | None, Query(description="How it ended.")] = None,
) -> Filters:
    """Read what a list of entries is narrowed to."""
    return Filters(
        actor_id=actor_id,
        user_id=user_id,
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        outcome=outcome,
        start=span.start,
        end=span.end,
    )


FiltersDep = Annotated[Filters, Depends(read_filters)]


AuditLogQueryDep = Annotated[ListQuery, Depends(list_query(AUDIT_LOGS, AuditLogItem, default_sort="-at"))]


@router.get("", summary="List audit log entries")
async def list_audit_logs(
    actor: RequireAdmin,
    session: ReadSessionDep,
    archive: ArchiveDep,
    filters: FiltersDep,
    query: AuditLogQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
) -> LargePage[AuditLogItem] | CursorPage[AuditLogItem]:
    """List who changed what, and who was refused, newest first. For admins."""
    plan = query.plan(is_admin=actor.is_admin)

    async def show(rows: Sequence[AuditLog]) -> list[AuditLogItem]:
        return [make_item(AuditLogItem, entry, plan.fields) for entry in await archive.show(session, rows)]

    page: LargePage[AuditLogItem] | CursorPage[AuditLogItem] = await paginate(
        session,
        plan.narrow(reading.list_statement(filters)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=show,
    )
    return page


@router.get("/stats", summary="Count audit log entries")
async def get_audit_log_stats(
    _actor: RequireAdmin, session: ReadSessionDep, archive: ArchiveDep, filters: FiltersDep
) -> StatsOut:
    """Count entries by action, actor, outcome and day; the same filters as for the list. For admins."""
    return await archive.count(session, filters)


@router.post("/verify", summary="Verify the audit log")
async def verify_audit_logs(
    _actor: RequireAdmin,
    database: DatabaseDep,
    archive: ArchiveDep,
    anchor: Annotated[AnchorIn | None, Body()] = None,
) -> VerdictOut:
    """Walk the chain of seals from its beginning and compare each entry with what was signed. For admins.

    The answer names the first entry or seal that is not what it was. With the number and digest of a seal that was seen
    before, it is also verified that this seal is still there: that shows when entries were cut off the end.
    """
    return VerdictOut.of(await verify(database, archive.key, anchor.link() if anchor else None))


@router.get("/{entry_id}", summary="Read an audit log entry", responses=problems(404))
async def get_audit_log(
    entry_id: UUID, _actor: RequireAdmin, session: ReadSessionDep, archive: ArchiveDep
) -> AuditLogOut:
    """Read one entry. For admins."""
    return await archive.get(session, entry_id)
