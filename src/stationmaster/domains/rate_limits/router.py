"""Rate limits, for superadmins."""

from typing import Annotated

from fastapi import APIRouter, Body

from stationmaster.domains.rate_limits import service
from stationmaster.domains.rate_limits.dependencies import ThrottleDep
from stationmaster.domains.rate_limits.schemas import RateLimitStatus, ResetRequest, ResetResult
from stationmaster.identity.dependencies import RequireSuperadmin
from stationmaster.web.application import DatabaseDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation

router = APIRouter(prefix="/rate-limits", tags=["rate-limits"], route_class=Operation)


@router.get("/status", summary="Read the state of the rate limits")
async def get_rate_limit_status(
    _actor: RequireSuperadmin, database: DatabaseDep, throttle: ThrottleDep
) -> RateLimitStatus:
    """Tell how calls are limited, and which callers have used how much. With memory as the storage: of this replica."""
    return await service.get_status(database, throttle)


@router.post("/reset", summary="Reset rate limits", responses=problems(404))
async def reset_rate_limits(
    _actor: RequireSuperadmin, throttle: ThrottleDep, body: Annotated[ResetRequest | None, Body()] = None
) -> ResetResult:
    """Forget what was counted: of everybody, or of the one `key` that is named. With memory as the storage: here only."""
    return ResetResult(cleared=await service.reset(throttle, body.key if body else None))
