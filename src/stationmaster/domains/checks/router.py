"""Checks over HTTP; signs of life come by `ping_router`."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import Settings
from stationmaster.domains.checks import badge, service
from stationmaster.domains.checks.listing import CHECKS, PINGS, CheckItem, PingItem
from stationmaster.domains.checks.models import Check, CheckState, Ping
from stationmaster.domains.checks.schemas import CheckIn, CheckOut, CheckPatch, PingOut
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor, RequireUser
from stationmaster.web.application import SettingsDep
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/checks", tags=["checks"], route_class=Operation)

CheckQueryDep = Annotated[ListQuery, Depends(list_query(CHECKS, CheckItem, default_sort="-id"))]
PingQueryDep = Annotated[ListQuery, Depends(list_query(PINGS, PingItem, default_sort="-id"))]


@router.get("", summary="List checks")
async def list_checks(
    actor: CurrentActor,
    session: ReadSessionDep,
    settings: SettingsDep,
    query: CheckQueryDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
    owner_id: Annotated[UUID | None, Query(description="Of this owner.")] = None,
    state: Annotated[CheckState | None, Query(description="In this state.")] = None,
    job_id: Annotated[UUID | None, Query(description="That watch this job.")] = None,
) -> Page[CheckItem]:
    """List checks, newest first."""
    plan = query.plan(is_admin=actor.is_admin)

    async def show(rows: Sequence[Check]) -> list[CheckItem]:
        shown = await service.show_checks(session, rows, actor, public_url=_public_url(settings))
        return [make_item(CheckItem, check, plan.fields) for check in shown]

    statement = service.list_statement(owner_id=owner_id, state=state, job_id=job_id)
    page: Page[CheckItem] = await paginate(
        session,
        plan.narrow(statement),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=show,
    )
    return page


@router.post("", status_code=201, summary="Create a check")
async def create_check(
    body: CheckIn, actor: RequireUser, session: SessionDep, settings: SettingsDep, response: Response
) -> CheckOut:
    """Make a dead-man switch. You own it, and the answer has the address to which signs of life are sent.

    One that watches a job of this service needs no address: the ends of its executions are its signs.
    """
    check = await service.create_check(session, body, actor)
    response.headers["Location"] = f"/api/v1/checks/{check.id}"
    return await _show(session, check, actor, settings)


@router.get("/badges/{badge_key}", summary="Show a check's badge", responses=problems(404))
async def get_badge(
    badge_key: Annotated[str, Path(max_length=64, description="From the check's `badge_url`.")], session: ReadSessionDep
) -> Response:
    """Draw the name and state of a check as SVG. For everybody who has the address."""
    check = await service.get_by_badge_key(session, badge_key)
    picture = badge.draw(check.name, check.state)
    return Response(picture, media_type="image/svg+xml", headers={"cache-control": "no-cache"})


@router.get("/{check_id}", summary="Read a check", responses=problems(404))
async def get_check(check_id: UUID, actor: CurrentActor, session: ReadSessionDep, settings: SettingsDep) -> CheckOut:
    """Read one check. Its ping address is shown to its owner and to admins."""
    return await _show(session, await service.get_check(session, check_id), actor, settings)


@router.patch("/{check_id}", summary="Change a check", responses=problems(403, 404))
async def update_check(
    check_id: UUID,
    body: CheckPatch,
    actor: RequireUser,
    session: SessionDep,
    settings: SettingsDep,
    if_match: IfMatchDep,
) -> CheckOut:
    """Change a check; what is not given stays. Owner or admin."""
    await if_match.check(lambda: _show_own(session, check_id, actor, settings))
    return await _show(session, await service.update_check(session, check_id, body, actor), actor, settings)


@router.delete("/{check_id}", status_code=204, summary="Delete a check", responses=problems(403, 404))
async def delete_check(
    check_id: UUID, actor: RequireUser, session: SessionDep, settings: SettingsDep, if_match: IfMatchDep
) -> None:
    """Delete a check and its signs; its address answers 404 from now on. Owner or admin."""
    await if_match.check(lambda: _show_own(session, check_id, actor, settings))
    await service.delete_check(session, check_id, actor)


@router.post("/{check_id}/pause", summary="Pause a check", responses=problems(403, 404, 409))
async def pause_check(check_id: UUID, actor: RequireUser, session: SessionDep, settings: SettingsDep) -> CheckOut:
    """Expect no signs until the check is resumed; those that come are kept. Owner or admin."""
    return await _show(session, await service.pause_check(session, check_id, actor), actor, settings)


@router.post("/{check_id}/resume", summary="Resume a check", responses=problems(403, 404, 409))
async def resume_check(check_id: UUID, actor: RequireUser, session: SessionDep, settings: SettingsDep) -> CheckOut:
    """Expect signs again: from the next one on, or from the next slot of the job that is watched. Owner or admin."""
    return await _show(session, await service.resume_check(session, check_id, actor), actor, settings)


@router.get("/{check_id}/pings", summary="List a check's signs of life", responses=problems(403, 404))
async def list_pings(
    check_id: UUID,
    actor: RequireUser,
    session: ReadSessionDep,
    query: PingQueryDep,
    params: CursorPageParamsDep,
    request: Request,
    response: Response,
) -> LargePage[PingItem] | CursorPage[PingItem]:
    """List the newest hundred signs of a check with what was sent along, newest first. Owner or admin."""
    await service.get_readable_check(session, check_id, actor)
    plan = query.plan(is_admin=actor.is_admin)

    def show(rows: Sequence[Ping]) -> list[PingItem]:
        return [make_item(PingItem, PingOut.model_validate(row), plan.fields) for row in rows]

    page: LargePage[PingItem] | CursorPage[PingItem] = await paginate(
        session,
        plan.narrow(service.pings_statement(check_id)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=show,
    )
    return page


def _public_url(settings: Settings) -> str:
    return settings.public_url.rstrip("/")


async def _show(session: AsyncSession, check: Check, actor: Actor, settings: Settings) -> CheckOut:
    return (await service.show_checks(session, [check], actor, public_url=_public_url(settings)))[0]


async def _show_own(session: AsyncSession, check_id: UUID, actor: Actor, settings: Settings) -> CheckOut:
    return await _show(session, await service.get_own_check(session, check_id, actor), actor, settings)
