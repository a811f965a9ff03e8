"""Files over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, UploadFile
from fastapi import File as FormFile
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import blobs
from stationmaster.domains.files import service
from stationmaster.domains.files.listing import FILES, FileItem
from stationmaster.domains.files.models import File
from stationmaster.domains.files.schemas import FileOut
from stationmaster.domains.users import directory
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.application import DatabaseDep, SettingsDep
from stationmaster.web.body_limit import UPLOAD
from stationmaster.web.download import ATTACHMENT, attachment_headers
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.items import make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/files", tags=["files"], route_class=Operation)

FileQueryDep = Annotated[ListQuery, Depends(list_query(FILES, FileItem, default_sort="-id"))]


@router.get("", summary="List files")
async def list_files(
    actor: RequireUser,
    session: ReadSessionDep,
    query: FileQueryDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> Page[FileItem]:
    """List your files, newest first; everybody's for admins."""
    plan = query.plan(is_admin=actor.is_admin)
    page: Page[FileItem] = await paginate(
        session,
        plan.narrow(service.list_statement(actor)),
        params,
        request=request,
        response=response,
        order=plan.order,
        transform=lambda rows: _show_items(session, rows, actor, plan.fields),
    )
    return page


@router.post("", status_code=201, summary="Upload a file", responses=problems(403, 409, 413), openapi_extra=UPLOAD)
async def upload_file(
    file: Annotated[UploadFile, FormFile(description="The file.", examples=["(its bytes)"])],
    actor: RequireUser,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
) -> FileOut:
    """Upload a file, as multipart form data; parameters of scripts that take files refer to it by its id.

    Its name is a label, nothing more. Content that is there already takes no room twice.
    """
    made = await service.create_file(
        session, settings.files, file, name=file.filename or "", media_type=file.content_type, actor=actor
    )
    response.headers["Location"] = f"/api/v1/files/{made.id}"
    return FileOut.model_validate(made)


@router.get("/{file_id}", summary="Read about a file", responses=problems(403, 404))
async def get_file(file_id: UUID, actor: RequireUser, session: ReadSessionDep) -> FileOut:
    """Read name, size, checksum and type of a file."""
    return FileOut.model_validate(await service.get_file(session, file_id, actor))


@router.get(
    "/{file_id}/content",
    summary="Download a file",
    response_class=StreamingResponse,
    responses={**problems(403, 404), 200: ATTACHMENT},
)
async def download_file(
    file_id: UUID, actor: RequireUser, session: ReadSessionDep, database: DatabaseDep
) -> StreamingResponse:
    """Download what was uploaded, byte for byte."""
    file = await service.get_file(session, file_id, actor)
    headers = attachment_headers(file.name, size_bytes=file.size_bytes)
    return StreamingResponse(blobs.stream(database, file.digest), media_type=service.OCTETS, headers=headers)


@router.delete("/{file_id}", status_code=204, summary="Delete a file", responses=problems(403, 404))
async def delete_file(file_id: UUID, actor: RequireUser, session: SessionDep, if_match: IfMatchDep) -> None:
    """Delete a file. Work that refers to it fails from now on, and says so."""
    await if_match.check(lambda: _show_one(session, file_id, actor))
    await service.delete_file(session, file_id, actor)


async def _show_one(session: AsyncSession, id_: UUID, actor: Actor) -> FileOut:
    return FileOut.model_validate(await service.get_file(session, id_, actor))


async def _show_items(
    session: AsyncSession, files: Sequence[File], actor: Actor, fields: frozenset[str]
) -> list[FileItem]:
    owners = await directory.find_owners(session, (file.owner_id for file in files), fields)
    return [
        make_item(
            FileItem,
            FileOut.model_validate(file),
            fields,
            **directory.describe_owner(owners.get(file.owner_id), actor),
        )
        for file in files
    ]
