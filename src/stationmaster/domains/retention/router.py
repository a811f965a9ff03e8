"""Retention, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from stationmaster.domains.audit import service as audit
from stationmaster.domains.retention import service
from stationmaster.domains.retention.rules import Policy
from stationmaster.domains.retention.schemas import RetentionOut, SweepOut, SweptOut
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/admin/retention", tags=["retention"], route_class=Operation)


async def get_policy(request: Request) -> Policy:
    """Return the rules of this house."""
    policy: Policy = request.app.state.retention
    return policy


PolicyDep = Annotated[Policy, Depends(get_policy)]


@router.get("", summary="Preview what retention removes")
async def get_retention(_actor: RequireAdmin, session: ReadSessionDep, policy: PolicyDep) -> RetentionOut:
    """Tell of every rule how long it keeps what, what it would remove now, and what it has removed. For admins."""
    return RetentionOut(is_enabled=policy.is_enabled, rules=await service.preview(session, policy.rules))


@router.post("/sweep", summary="Apply the rules of retention now")
async def sweep_retention(
    _actor: RequireAdmin,
    session: SessionDep,
    policy: PolicyDep,
    dry_run: Annotated[bool, Query(description="Only tell what would be removed; `false` removes it.")] = True,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Most rows that each rule removes in this call.")] = 1000,
) -> SweepOut:
    """Remove what the rules say, up to `limit` rows by each; by default a dry run, which writes nothing. For admins.

    Call it again until `removed` is 0, or let the leader do it by itself.
    """
    if dry_run:
        audit.leave_out()
        found = await service.count(session, policy.rules, limit)
    else:
        found = await service.sweep_on_request(session, policy.rules, limit)
    swept = [SweptOut(name=name, removed=number) for name, number in found.items()]
    return SweepOut(dry_run=dry_run, removed=sum(found.values()), rules=swept)
