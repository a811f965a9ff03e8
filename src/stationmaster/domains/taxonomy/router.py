"""Categories of jobs over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.taxonomy import service
from stationmaster.domains.taxonomy.listing import CATEGORIES, CategoryItem
from stationmaster.domains.taxonomy.schemas import CategoryIn, CategoryOut, CategoryPatch
from stationmaster.errors import Forbidden
from stationmaster.identity.dependencies import CurrentActor, RequireAdmin
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/job-categories", tags=["jobs"], route_class=Operation)

CategoryQueryDep = Annotated[ListQuery, Depends(list_query(CATEGORIES, CategoryItem, default_sort="name"))]


async def read_include_inactive(
    actor: CurrentActor,
    include_inactive: Annotated[
        bool, Query(description="Also those that are switched off; for administrators.")
    ] = False,
) -> bool:
    """Return whether what is switched off is shown, too.

    Raises:
        Forbidden: somebody else than an administrator asks for that.
    """
    if include_inactive and not actor.is_admin:
        raise Forbidden("What is switched off is listed for administrators.")
    return include_inactive


IncludeInactiveDep = Annotated[bool, Depends(read_include_inactive)]


@router.get("", summary="List job categories")
async def list_categories(
    actor: CurrentActor,
    session: ReadSessionDep,
    query: CategoryQueryDep,
    params: PageParamsDep,
    include_inactive: IncludeInactiveDep,
    request: Request,
    response: Response,
) -> Page[CategoryItem]:
    """List the categories that jobs can be put into, by name."""
    plan = query.plan(is_admin=actor.is_admin)
    page: Page[CategoryItem] = await paginate(
        session,
        plan.narrow(service.list_categories_statement(also_inactive=include_inactive)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: [make_item(CategoryItem, CategoryOut.model_validate(row), plan.fields) for row in rows],
    )
    return page


@router.post("", status_code=201, summary="Create a job category", responses=problems(403, 409))
async def create_category(
    body: CategoryIn, _actor: RequireAdmin, session: SessionDep, response: Response
) -> CategoryOut:
    """Create a category; its slug is made from its name. For admins."""
    category = await service.create_category(session, body)
    response.headers["Location"] = f"/api/v1/job-categories/{category.id}"
    return CategoryOut.model_validate(category)


@router.get("/{category_id}", summary="Read a job category", responses=problems(404))
async def get_category(category_id: UUID, _actor: CurrentActor, session: ReadSessionDep) -> CategoryOut:
    """Read one category, also one that is switched off."""
    return CategoryOut.model_validate(await service.get_category(session, category_id))


@router.patch("/{category_id}", summary="Change a job category", responses=problems(403, 404, 409))
async def update_category(
    category_id: UUID, body: CategoryPatch, _actor: RequireAdmin, session: SessionDep, if_match: IfMatchDep
) -> CategoryOut:
    """Rename a category, or switch it on or off. Its jobs stay in it. For admins."""
    await if_match.check(lambda: _show_locked(session, category_id))
    return CategoryOut.model_validate(await service.update_category(session, category_id, body))


@router.delete(
    "/{category_id}", status_code=204, summary="Switch a job category off", responses=problems(403, 404, 409)
)
async def delete_category(category_id: UUID, _actor: RequireAdmin, session: SessionDep, if_match: IfMatchDep) -> None:
    """Switch a category off: no further job can be put into it, and those in it stay. For admins."""
    await if_match.check(lambda: _show_locked(session, category_id))
    await service.update_category(session, category_id, CategoryPatch(is_active=False))


async def _show_locked(session: AsyncSession, category_id: UUID) -> CategoryOut:
    return CategoryOut.model_validate(await service.get_category(session, category_id, for_update=True))
