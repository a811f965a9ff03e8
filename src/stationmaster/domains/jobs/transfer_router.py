"""Jobs in and out over HTTP: export, import, CSV, conversion, and one thing done with several."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response, UploadFile
from fastapi import File as FormFile

from stationmaster.domains.jobs.router import RulesDep
from stationmaster.domains.jobs.transfer import bulk, csv_upload, document, importing, moving
from stationmaster.domains.jobs.transfer.jobs_section import JobSection
from stationmaster.domains.jobs.transfer.labels import CalendarSection, CategorySection, TeamSection
from stationmaster.domains.jobs.transfer.schemas import (
    BulkIn,
    BulkOut,
    ConvertIn,
    ConvertOut,
    ImportIn,
    ImportOut,
    UploadOut,
)
from stationmaster.domains.jobs.transfer.section import Section
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.openapi import UNAUDITED, problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=Operation)

YAML = "application/yaml"


async def get_sections(request: Request, rules: RulesDep) -> Sequence[Section]:
    """Return the sections of a document, in the order in which they are carried out; the rooms above add theirs."""
    more: Sequence[Section] = getattr(request.app.state, "transfer_sections", ())
    return (CategorySection(), TeamSection(), CalendarSection(), JobSection(rules), *more)


SectionsDep = Annotated[Sequence[Section], Depends(get_sections)]


@router.get(
    "/export",
    summary="Export everything as one document",
    response_class=Response,
    responses={
        **problems(403),
        200: {
            "description": "The document.",
            "content": {form: {"schema": {"type": "object"}} for form in (YAML, "application/json")},
        },
    },
)
async def export_jobs(
    actor: RequireUser,
    session: ReadSessionDep,
    sections: SectionsDep,
    form: Annotated[Literal["yaml", "json"], Query(alias="format", description="Form of the document.")] = "yaml",
) -> Response:
    """Write categories, teams, calendars, jobs with their schedules, and what else is offered, as one document.

    The same things always make the same text. Secrets are shown as `********`, which an import leaves as they are.
    """
    written = await document.write_document(session, sections, actor)
    if form == "yaml":
        return Response(document.dump_yaml(written), media_type=YAML)
    return Response(document.dump_json(written), media_type="application/json")


@router.post("/import", summary="Import a document", responses=problems(403))
async def import_jobs(body: ImportIn, actor: RequireUser, session: SessionDep, sections: SectionsDep) -> ImportOut:
    """Compare a document with what is there (`plan`, also a report of drift), or let it be as the document says (`apply`).

    What a plan tells has been tried, so it also knows what would be refused. `apply` does all or nothing. Things that the
    document does not name stay, unless `prune` is set: then your jobs among them are deleted.
    """
    given = document.read_document(body.document, body.text)
    return await importing.carry_out(session, sections, given, body, actor)


@router.post("/convert", summary="Convert what other schedulers have", openapi_extra=UNAUDITED, responses=problems(403))
async def convert_jobs(body: ConvertIn, _actor: RequireUser) -> ConvertOut:
    """Turn a crontab, a GitHub workflow file, Kubernetes CronJobs or a curl command into a document that can be imported.

    Nothing is stored; `notes` say what could not be carried over.
    """
    return moving.convert(body)


@router.post("/bulk", summary="Change or delete several jobs", responses=problems(403))
async def change_jobs(body: BulkIn, actor: RequireUser, session: SessionDep, rules: RulesDep) -> BulkOut:
    """Switch jobs on or off, delete them, or give them another team or category; each is told by itself. Owner or admin."""
    return await bulk.act(session, rules, body, actor)


@router.post("/bulk-upload", summary="Upload jobs as a CSV file", responses=problems(403))
async def upload_jobs(
    file: Annotated[UploadFile, FormFile(description="CSV in UTF-8 with a heading.", examples=["(its bytes)"])],
    actor: RequireUser,
    session: SessionDep,
    rules: RulesDep,
    default_github_owner: Annotated[str | None, Form(max_length=39, description="Owner where a row has none.")] = None,
    timezone: Annotated[str | None, Form(max_length=64, description="Zone where a row has none.")] = None,
    weekdays: Annotated[
        Literal["unix", "monday_is_zero"],
        Form(description="How the file counts weekdays: Sunday is 0 and 7 as in Unix, or Monday is 0."),
    ] = "unix",
    dry_run: Annotated[bool, Form(description="Only tell what would be made.")] = False,
) -> UploadOut:
    """Make jobs of the rows of a CSV file; rows with the same name are one job with a schedule for each.

    Columns, by any of these headings: Job Name; Cron Schedule (JST), Cron Expression or Cron; Timezone; Status; Target URL;
    GitHub Owner; Repo; Workflow Name; Dispatch URL; Category; End Date; PIC Team or Team; Branch; Request Body; Description.
    What is wrong with a row is told by its number (the heading is row 1) and does not hinder the others.
    """
    wanted = csv_upload.Upload(default_github_owner, timezone, weekdays == "monday_is_zero", dry_run)
    return await csv_upload.upload(session, rules, await file.read(), wanted, actor)
