"""Secrets over HTTP."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.secrets import service
from stationmaster.domains.secrets.listing import SECRETS, SecretItem
from stationmaster.domains.secrets.models import Secret
from stationmaster.domains.secrets.schemas import SecretIn, SecretOut, SecretPut
from stationmaster.domains.secrets.subjects import Subjects
from stationmaster.domains.users import directory
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.application import SealerDep
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/secrets", tags=["secrets"], route_class=Operation)


async def get_subjects(request: Request) -> Subjects:
    """Return the look-ups of what a secret can be granted to."""
    subjects: Subjects = request.app.state.secret_subjects
    return subjects


SubjectsDep = Annotated[Subjects, Depends(get_subjects)]
SecretQueryDep = Annotated[ListQuery, Depends(list_query(SECRETS, SecretItem, default_sort="name"))]


@router.get("", summary="List secrets")
async def list_secrets(
    actor: RequireUser,
    session: ReadSessionDep,
    query: SecretQueryDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> Page[SecretItem]:
    """List your secrets, by name and without their values; everybody's for admins."""
    plan = query.plan(is_admin=actor.is_admin)
    page: Page[SecretItem] = await paginate(
        session,
        plan.narrow(service.list_statement(actor)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: _show_items(session, rows, actor, plan.fields),
    )
    return page


@router.post("", status_code=201, summary="Store a secret", responses=problems(403, 409))
async def create_secret(
    body: SecretIn,
    actor: RequireUser,
    session: SessionDep,
    sealer: SealerDep,
    subjects: SubjectsDep,
    response: Response,
) -> SecretOut:
    """Store a value that scripts and jobs may use and nobody can read again, you included.

    Jobs of yours may use it by its name. A script is given it only if you grant it to that script: then everybody who may
    run the script runs it with your secret.
    """
    secret = await service.create_secret(session, sealer, subjects, body, actor)
    response.headers["Location"] = f"/api/v1/secrets/{secret.name}"
    return (await service.show(session, [secret]))[0]


@router.get("/{secret_name}", summary="Read about a secret", responses=problems(404))
async def get_secret(secret_name: str, actor: RequireUser, session: ReadSessionDep) -> SecretOut:
    """Read what a secret is for, what it is granted to and when it was last used. Its value is never shown."""
    return await _show_one(session, secret_name, actor)


@router.put("/{secret_name}", summary="Replace a secret", responses=problems(403, 404))
async def put_secret(
    secret_name: str,
    body: SecretPut,
    actor: RequireUser,
    session: SessionDep,
    sealer: SealerDep,
    subjects: SubjectsDep,
    if_match: IfMatchDep,
) -> SecretOut:
    """Replace description and grants, and the value if one is given. Owner or admin.

    Work that is under way goes on with the value it began with.
    """
    await if_match.check(lambda: _show_one(session, secret_name, actor, for_update=True))
    secret = await service.put_secret(session, sealer, subjects, secret_name, body, actor=actor)
    return (await service.show(session, [secret]))[0]


@router.delete("/{secret_name}", status_code=204, summary="Delete a secret", responses=problems(403, 404))
async def delete_secret(secret_name: str, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Delete a secret. What needs it fails from now on, and says so. Owner or admin."""
    await if_match.check(lambda: _show_one(session, secret_name, actor, for_update=True))
    await service.delete_secret(session, secret_name, actor)


async def _show_one(session: AsyncSession, name: str, actor: Actor, *, for_update: bool = False) -> SecretOut:
    return (await service.show(session, [await service.get_secret(session, name, actor, for_update=for_update)]))[0]


async def _show_items(
    session: AsyncSession, secrets: Sequence[Secret], actor: Actor, fields: frozenset[str]
) -> list[SecretItem]:
    owners = await directory.find_owners(session, (secret.owner_id for secret in secrets), fields)
    return [
        make_item(SecretItem, shown, fields, **directory.describe_owner(owners.get(shown.owner_id), actor))
        for shown in await service.show(session, secrets)
    ]
