"""What running programs report on themselves, and the artifacts they leave."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response, UploadFile
from fastapi.responses import StreamingResponse

from stationmaster.db import blobs
from stationmaster.db.session import read_only
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import artifacts, reading, reports, service
from stationmaster.domains.executions.artifacts import Owner
from stationmaster.domains.executions.detail_schemas import ExecutionDetail
from stationmaster.domains.executions.errors import ArtifactTooLarge
from stationmaster.domains.executions.report_schemas import ArtifactOut, LogLinesIn, LogTaken, ReportIn
from stationmaster.domains.executions.reports import Report
from stationmaster.domains.executions.visibility import get_visible
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor, Reporter
from stationmaster.web.application import DatabaseDep, SealerDep, SettingsDep
from stationmaster.web.body_limit import UPLOAD
from stationmaster.web.download import ATTACHMENT, attachment_headers
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/executions", tags=["executions"], route_class=Operation)

IN_MEMORY_BYTES = 1 << 20
Name = Annotated[str, Path(max_length=1000, description="A plain relative path, such as `report.csv`.")]
_BODY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}, "required": True}


@router.patch("/{execution_id}", summary="Report on an execution", responses=problems(403, 404, 409))
async def report_on_execution(
    execution_id: UUID,
    body: ReportIn,
    actor: Reporter,
    session: SessionDep,
    settings: SettingsDep,
    sealer: SealerDep,
    if_match: IfMatchDep,
) -> ExecutionDetail:
    """Report progress, stage, result and external tasks of a running execution; what is left out stays as it is.

    For the program itself, with the token that it finds in `STATIONMASTER_TOKEN`, and for admins.
    """
    await if_match.check(lambda: _show(session, execution_id, actor))
    execution = await reports.find_reported(session, execution_id, actor)
    tasks = [task.reference for task in body.external_tasks or ()]
    report = Report(body.progress, body.stage, body.result, tasks=tasks)
    await reports.take(session, settings.journal, sealer, execution, report)
    _note(actor, session, execution_id, after=body.model_dump(exclude_unset=True))
    session.expunge_all()
    return await _show(session, execution_id, actor)


@router.post("/{execution_id}/logs", summary="Add lines to a log", responses=problems(403, 404, 409))
async def add_execution_logs(
    execution_id: UUID,
    body: LogLinesIn,
    actor: Reporter,
    session: SessionDep,
    settings: SettingsDep,
    sealer: SealerDep,
) -> LogTaken:
    """Add lines to the log of a running execution. For the program itself, with its token, and for admins."""
    execution = await reports.find_reported(session, execution_id, actor)
    lines = body.every_line()
    sequence = await reports.take(session, settings.journal, sealer, execution, Report(lines=lines))
    _note(actor, session, execution_id, after={"lines": len(lines)})
    return LogTaken(sequence=sequence)


@router.get("/{execution_id}/artifacts", summary="List artifacts", responses=problems(404))
async def list_execution_artifacts(
    execution_id: UUID,
    actor: CurrentActor,
    session: ReadSessionDep,
    params: PageParamsDep,
    request: Request,
    response: Response,
) -> Page[ArtifactOut]:
    """List the files that an execution made and that are kept, by name. For its owner, the owner of its script and admins."""
    await get_visible(session, execution_id, actor)
    statement = artifacts.list_statement(execution_id)
    page: Page[ArtifactOut] = await paginate(
        session,
        statement,
        params,
        request=request,
        response=response,
        transform=lambda rows: [ArtifactOut.model_validate(row) for row in rows],
    )
    return page


@router.get(
    "/{execution_id}/artifacts/{artifact_name:path}",
    summary="Download an artifact",
    response_class=StreamingResponse,
    responses={**problems(404), 200: ATTACHMENT},
)
async def download_execution_artifact(
    execution_id: UUID, artifact_name: Name, actor: CurrentActor, session: ReadSessionDep, database: DatabaseDep
) -> StreamingResponse:
    """Download a file that an execution made, byte for byte. For its owner, the owner of its script and admins."""
    await get_visible(session, execution_id, actor)
    artifact = await artifacts.get_artifact(session, execution_id, artifact_name)
    headers = attachment_headers(artifact.name.rpartition("/")[2], size_bytes=artifact.size_bytes)
    content = blobs.stream(database, artifact.digest)
    return StreamingResponse(content, media_type=artifacts.OCTETS, headers=headers)


@router.put(
    "/{execution_id}/artifacts/{artifact_name:path}",
    summary="Keep an artifact",
    responses=problems(403, 404, 409, 413, 415),
    openapi_extra={**UPLOAD, "requestBody": _BODY},
)
async def keep_execution_artifact(
    execution_id: UUID,
    artifact_name: Name,
    actor: Reporter,
    database: DatabaseDep,
    session: SessionDep,
    settings: SettingsDep,
    request: Request,
) -> ArtifactOut:
    """Keep the body as a file of a running execution, in the place of one with the same name.

    For the program itself, with its token, and for admins.
    """
    async with read_only(database) as looking:
        execution = await reports.find_reported(looking, execution_id, actor)
    async with _spooled(request, max_bytes=settings.journal.max_artifact_bytes) as source:
        owner = Owner(execution_id, execution.attempt)
        try:
            artifact = await artifacts.keep(session, settings.journal, owner, artifact_name, source)
        except ValueError as error:
            raise Invalid(FieldError(str(error), parameter="artifact_name")) from error
    shown = ArtifactOut.model_validate(artifact)
    _note(actor, session, execution_id, after={"artifact": artifact_name, "size_bytes": artifact.size_bytes})
    return shown


@asynccontextmanager
async def _spooled(request: Request, *, max_bytes: int) -> AsyncIterator[UploadFile]:
    """Receive the body before any transaction begins: it comes as slowly as its sender likes."""
    size = 0
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spool:
        file = UploadFile(spool)  # type: ignore[arg-type]  # typeshed: no BinaryIO, and yet one
        async for piece in request.stream():
            size += len(piece)
            if size > max_bytes:
                raise ArtifactTooLarge(max_bytes)
            await file.write(piece)
        await file.seek(0)
        yield file


async def _show(session: Any, id_: UUID, actor: Actor) -> ExecutionDetail:
    return await reading.show_detail(session, await service.get_execution(session, id_), actor)


def _note(actor: Actor, session: Any, id_: UUID, *, after: dict[str, Any]) -> None:
    """Enter what an administrator reports; what programs say of themselves is in their journals."""
    if actor.kind == "execution":
        audit.leave_out()
    else:
        audit.note(session, "execution", id_, before={}, after=after)
