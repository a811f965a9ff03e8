"""Scripts over HTTP: registering, versions, reading, publishing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import blobs
from stationmaster.domains.scripts import reading, repository, service, sharing
from stationmaster.domains.scripts.access import Action
from stationmaster.domains.scripts.archives.reading import format_of
from stationmaster.domains.scripts.dependencies import BODY, SubmissionDep
from stationmaster.domains.scripts.errors import NothingToDownload
from stationmaster.domains.scripts.listing import SCRIPTS, ScriptItem
from stationmaster.domains.scripts.models import Status
from stationmaster.domains.scripts.reading import ReadExecutions
from stationmaster.domains.scripts.schemas import BuildLineOut, Catalog, ScriptOut, ScriptPatch, VersionOut
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor, RequireUser
from stationmaster.web.application import DatabaseDep
from stationmaster.web.download import ATTACHMENT, attachment_headers
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.schema import Text
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/scripts", tags=["scripts"], route_class=Operation)

ScriptQueryDep = Annotated[ListQuery, Depends(list_query(SCRIPTS, ScriptItem, default_sort="-id"))]
VersionQuery = Annotated[int | None, Query(ge=1, description="Number of the version; the current one if left out.")]


async def get_execution_reader(request: Request) -> ReadExecutions:
    """Return what reads the newest executions of scripts."""
    read: ReadExecutions = request.app.state.read_script_executions
    return read


@router.get("", summary="List scripts")
async def list_scripts(
    actor: CurrentActor,
    session: ReadSessionDep,
    query: ScriptQueryDep,
    params: PageParamsDep,
    read_executions: Annotated[ReadExecutions, Depends(get_execution_reader)],
    request: Request,
    response: Response,
    status: Annotated[Status | None, Query(description="In this status.")] = None,
    category: Annotated[Text | None, Query(max_length=100, description="Of this category.")] = None,
    public: Annotated[bool | None, Query(description="Published, or not.")] = None,
) -> Page[ScriptItem]:
    """List the scripts that you may see, newest first: your own, public ones, and those that are open to you."""
    plan = query.plan(is_admin=actor.is_admin)
    page: Page[ScriptItem] = await paginate(
        session,
        plan.narrow(service.list_statement(actor, status=status, category=category, is_public=public)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: reading.show_items(session, rows, actor, plan.fields, read_executions),
    )
    return page


@router.get("/catalog", summary="Show the catalog of scripts")
async def get_catalog(actor: CurrentActor, session: ReadSessionDep) -> Catalog:
    """Show the scripts that you may see, by category, with the parameters that each takes."""
    return await reading.show_catalog(session, actor)


@router.post(
    "",
    status_code=201,
    summary="Register a script",
    response_model=ScriptOut,
    responses=problems(403, 409, 413, 415),
    openapi_extra=BODY,
)
async def create_script(
    submission: SubmissionDep, actor: RequireUser, session: SessionDep, response: Response
) -> ScriptOut:
    """Register a script with its first version: an archive, an image that is there already, or a source text.

    It is private at first. An archive for a container is PENDING until its image is built; everything else is ready at once.
    """
    script = await service.create_script(session, submission, actor)
    response.headers["Location"] = f"/api/v1/scripts/{script.id}"
    return await reading.show_script(session, script, actor)


@router.get("/{script}", summary="Read a script", responses=problems(404))
async def get_script(script: str, actor: CurrentActor, session: ReadSessionDep) -> ScriptOut:
    """Read a script, by its id or slug, and how its current version is run."""
    return await _show_one(session, script, actor, Action.SEE)


@router.patch("/{script}", summary="Change a script", responses=problems(403, 404, 409))
async def update_script(
    script: str, body: ScriptPatch, actor: RequireUser, session: SessionDep, if_match: IfMatchDep
) -> ScriptOut:
    """Change what a script is called and where it stands, or go to another of its versions. Owner or admin.

    How it runs is changed by a new version.
    """
    await if_match.check(lambda: _show_one(session, script, actor, for_update=True))
    changed = await service.update_script(session, script, body, actor)
    return await reading.show_script(session, changed, actor)


@router.delete("/{script}", status_code=204, summary="Delete a script", responses=problems(403, 404))
async def delete_script(script: str, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Delete a script with all its versions and logs. Its executions stay. Owner or admin."""
    await if_match.check(lambda: _show_one(session, script, actor, for_update=True))
    await service.delete_script(session, script, actor)


@router.post("/{script}/publish", summary="Open a script to everybody", responses=problems(403, 404))
async def publish_script(script: str, actor: RequireUser, session: SessionDep) -> ScriptOut:
    """Let everybody who is signed in see and run a script. Who was listed one by one no longer is. Owner or admin."""
    return await reading.show_script(session, await sharing.publish(session, script, actor), actor)


@router.post("/{script}/unpublish", summary="Close a public script", responses=problems(403, 404))
async def unpublish_script(script: str, actor: RequireUser, session: SessionDep) -> ScriptOut:
    """Make a public script private again. Owner or admin."""
    return await reading.show_script(session, await sharing.unpublish(session, script, actor), actor)


@router.get(
    "/{script}/download",
    summary="Download the source of a script",
    response_class=StreamingResponse,
    responses={**problems(403, 404, 409), 200: ATTACHMENT},
)
async def download_script(
    script: str, actor: CurrentActor, session: ReadSessionDep, database: DatabaseDep, version: VersionQuery = None
) -> StreamingResponse:
    """Download the archive of a version as it was uploaded. Owner or admin."""
    found = await service.get_script(session, script, actor, Action.DOWNLOAD)
    chosen = await service.get_version(session, found, version)
    if chosen.digest is None or chosen.size_bytes is None:
        raise NothingToDownload
    ending = format_of(await blobs.read_beginning(session, chosen.digest)).value
    headers = attachment_headers(f"{found.slug}-{chosen.number}.{ending}", size_bytes=chosen.size_bytes)
    content = blobs.stream(database, chosen.digest)
    return StreamingResponse(content, media_type="application/octet-stream", headers=headers)


@router.get("/{script}/logs", summary="Read the build log of a script", responses=problems(403, 404))
async def list_script_logs(
    script: str,
    actor: CurrentActor,
    session: ReadSessionDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
    version: VersionQuery = None,
    after: Annotated[int, Query(ge=0, description="Only lines behind the one with this number.")] = 0,
) -> Page[BuildLineOut]:
    """Read what was said while a version was taken in and built, in order; the newest version if left out. Owner or admin."""
    found = await service.get_script(session, script, actor, Action.LOG)
    chosen = await service.get_version(session, found, version or found.version_count)
    statement = repository.lines_statement(chosen.id, after=after)
    page: Page[BuildLineOut] = await paginate(session, statement, params, request=request, response=response)
    return page


@router.get("/{script}/versions", summary="List the versions of a script", responses=problems(403, 404))
async def list_script_versions(
    script: str,
    actor: CurrentActor,
    session: ReadSessionDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> Page[VersionOut]:
    """List all versions of a script, newest first. Owner or admin."""
    found = await service.get_script(session, script, actor, Action.DOWNLOAD)
    page: Page[VersionOut] = await paginate(
        session,
        repository.versions_statement(found.id),
        params,
        request=request,
        response=response,
        transform=lambda rows: [reading.show_version(found, row) for row in rows],
    )
    return page


@router.post(
    "/{script}/versions",
    status_code=201,
    summary="Add a version of a script",
    response_model=VersionOut,
    responses=problems(403, 404, 413, 415),
    openapi_extra=BODY,
)
async def create_script_version(
    script: str, submission: SubmissionDep, actor: RequireUser, session: SessionDep, response: Response
) -> VersionOut:
    """Add a version, in any of the ways in which a script is registered; a `slug` in it is not looked at. Owner or admin.

    It becomes the current one as soon as it can be run. Executions that are under way go on with the version they began with.
    """
    made = await service.add_version(session, script, submission, actor)
    response.headers["Location"] = f"/api/v1/scripts/{made.script_id}/versions"
    found = await service.get_script(session, str(made.script_id), actor)
    return reading.show_version(found, made)


async def _show_one(
    session: AsyncSession, id_or_slug: str, actor: Actor, action: Action = Action.CHANGE, *, for_update: bool = False
) -> ScriptOut:
    found = await service.get_script(session, id_or_slug, actor, action, for_update=for_update)
    return await reading.show_script(session, found, actor)
