"""Teams over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.taxonomy import service
from stationmaster.domains.taxonomy.listing import TEAMS, TeamItem
from stationmaster.domains.taxonomy.models import Team
from stationmaster.domains.taxonomy.router import IncludeInactiveDep
from stationmaster.domains.taxonomy.schemas import TeamIn, TeamOut, TeamPatch
from stationmaster.identity.dependencies import CurrentActor, RequireAdmin
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/teams", tags=["jobs"], route_class=Operation)

TeamQueryDep = Annotated[ListQuery, Depends(list_query(TEAMS, TeamItem, default_sort="name"))]


@router.get("", summary="List teams")
async def list_teams(
    actor: CurrentActor,
    session: ReadSessionDep,
    query: TeamQueryDep,
    params: PageParamsDep,
    include_inactive: IncludeInactiveDep,
    request: Request,
    response: Response,
) -> Page[TeamItem]:
    """List the teams that jobs can be given to, by name, each with its members."""
    plan = query.plan(is_admin=actor.is_admin)
    page: Page[TeamItem] = await paginate(
        session,
        plan.narrow(service.list_teams_statement(also_inactive=include_inactive)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: _show_items(session, rows, plan.fields),
    )
    return page


@router.post("", status_code=201, summary="Create a team", responses=problems(403, 409))
async def create_team(body: TeamIn, _actor: RequireAdmin, session: SessionDep, response: Response) -> TeamOut:
    """Create a team; its slug is made from its name. For admins."""
    team = await service.create_team(session, body)
    response.headers["Location"] = f"/api/v1/teams/{team.id}"
    return await _show(session, team)


@router.get("/{team_id}", summary="Read a team", responses=problems(404))
async def get_team(team_id: UUID, _actor: CurrentActor, session: ReadSessionDep) -> TeamOut:
    """Read one team, also one that is switched off."""
    return await _show(session, await service.get_team(session, team_id))


@router.patch("/{team_id}", summary="Change a team", responses=problems(403, 404, 409))
async def update_team(
    team_id: UUID, body: TeamPatch, _actor: RequireAdmin, session: SessionDep, if_match: IfMatchDep
) -> TeamOut:
    """Rename a team, change its members or its handle, or switch it on or off. Its jobs stay its own. For admins."""
    await if_match.check(lambda: _show_locked(session, team_id))
    return await _show(session, await service.update_team(session, team_id, body))


@router.delete("/{team_id}", status_code=204, summary="Switch a team off", responses=problems(403, 404))
async def delete_team(team_id: UUID, _actor: RequireAdmin, session: SessionDep, if_match: IfMatchDep) -> None:
    """Switch a team off: no further job can be given to it, and those it has stay. For admins."""
    await if_match.check(lambda: _show_locked(session, team_id))
    await service.update_team(session, team_id, TeamPatch(is_active=False))


async def _show(session: AsyncSession, team: Team) -> TeamOut:
    return TeamOut(**team.model_dump(), members=await service.list_members(session, team.id))


async def _show_locked(session: AsyncSession, team_id: UUID) -> TeamOut:
    return await _show(session, await service.get_team(session, team_id, for_update=True))


async def _show_items(session: AsyncSession, rows: Sequence[Team], fields: frozenset[str]) -> list[TeamItem]:
    members = await service.list_members_of(session, [team.id for team in rows])
    shown = [TeamOut(**team.model_dump(), members=members.get(team.id, [])) for team in rows]
    return [make_item(TeamItem, team, fields) for team in shown]
