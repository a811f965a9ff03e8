"""Jobs out of a CSV file: rows with the same name are one job with several schedules.

What the first row of a job says of it, the others must say too, or leave out. A request body that differs becomes the params
of the row's schedule.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.jobs import service
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.schemas import JobIn
from stationmaster.domains.jobs.transfer.csv_rows import CsvError, Row, Sheet, read_sheet
from stationmaster.domains.jobs.transfer.schemas import RowError, UploadedJob, UploadOut
from stationmaster.errors import FieldError, Invalid, StationmasterError
from stationmaster.identity.actor import Actor

SAME = ("url", "owner", "repo", "workflow", "dispatch_url", "category", "team", "end_date", "branch", "description")


@dataclass(frozen=True)
class Upload:
    """What the caller says besides the file."""

    default_owner: str | None = None
    timezone: str | None = None
    monday_is_zero: bool = False
    dry_run: bool = False


class _Wrong(Exception):
    """What is wrong with a row."""

    def __init__(self, row: Row, field: str | None, detail: str) -> None:
        super().__init__(detail)
        self.error = RowError(row=row.number, job_name=row.get("name"), field=field, error=detail)


async def upload(session: AsyncSession, rules: JobRules, content: bytes, wanted: Upload, actor: Actor) -> UploadOut:
    """Make the jobs of a file; what is wrong with some rows does not hinder the others.

    Raises:
        Invalid: it is no CSV file, or nothing of it could be taken.
    """
    try:
        sheet = read_sheet(content)
    except CsvError as error:
        raise Invalid(FieldError(str(error), pointer="/file")) from error
    jobs: list[UploadedJob] = []
    errors: list[RowError] = []
    async with session.begin_nested() as trial:
        for rows in _group(sheet.rows, errors):
            made = await _make(session, rules, rows, sheet, wanted=wanted, actor=actor, errors=errors)
            jobs += [made] if made else []
        if wanted.dry_run:
            await trial.rollback()
    if errors and not jobs:
        raise Invalid(*(FieldError(f"row {one.row}: {one.error}", pointer="/file") for one in errors[:100]))
    _note(session, jobs, wanted)
    return UploadOut(
        dry_run=wanted.dry_run,
        stats=sheet.stats,
        created_count=len(jobs),
        error_count=len(errors),
        jobs=jobs,
        errors=sorted(errors, key=lambda one: one.row),
    )


def _note(session: AsyncSession, jobs: Sequence[UploadedJob], wanted: Upload) -> None:
    if wanted.dry_run:
        audit.leave_out()
    else:
        audit.note(session, "jobs", "upload", after={"names": [job.name for job in jobs]})


def _group(rows: Sequence[Row], errors: list[RowError]) -> list[list[Row]]:
    """Put the rows of each job together, in the order in which the jobs come."""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        name = row.get("name")
        if name is None:
            errors.append(RowError(row=row.number, job_name=None, field="name", error="the row names no job"))
        else:
            by_name.setdefault(name, []).append(row)
    return list(by_name.values())


async def _make(
    session: AsyncSession,
    rules: JobRules,
    rows: Sequence[Row],
    sheet: Sheet,
    *,
    wanted: Upload,
    actor: Actor,
    errors: list[RowError],
) -> UploadedJob | None:
    """Make the job of some rows; the rows that are wrong are told, and if the first one is, the job is not made."""
    first, good = rows[0], []
    try:
        body = _describe(first, wanted)
        for row in rows:
            try:
                good.append(_describe_schedule(row, first, sheet, wanted))
            except _Wrong as wrong:
                errors.append(wrong.error)
        if not good:
            return None
        body["schedules"] = [schedule for schedule in good if schedule]
        async with session.begin_nested():
            job = await service.create_job(session, rules, JobIn.model_validate(body), actor)
    except _Wrong as wrong:
        errors.append(wrong.error)
        return None
    except Invalid as error:
        errors += [_row_error(rows, one) for one in error.errors]
        return None
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        pointers = [
            FieldError(one["msg"].removeprefix("Value error, "), "/" + "/".join(map(str, one["loc"]))) for one in found
        ]
        errors += [_row_error(rows, one) for one in pointers]
        return None
    except StationmasterError as error:  # there is a job with this name already
        errors.append(_Wrong(first, "name", str(error)).error)
        return None
    return UploadedJob(
        id=None if wanted.dry_run else job.id,
        name=job.name,
        is_active=job.is_active,
        schedule_count=len(body["schedules"]),
        rows=[row.number for row in rows],
    )


def _row_error(rows: Sequence[Row], error: FieldError) -> RowError:
    """Say which row a refused field of the job came from."""
    parts = (error.pointer or "").split("/")[1:]
    is_schedule = len(parts) > 1 and parts[0] == "schedules" and parts[1].isdigit() and int(parts[1]) < len(rows)
    row = rows[int(parts[1])] if is_schedule else rows[0]
    field = "/".join(parts[2:] if is_schedule else parts) or None
    return RowError(row=row.number, job_name=row.get("name"), field=field, error=error.detail)


def _describe(row: Row, wanted: Upload) -> dict[str, Any]:
    body: dict[str, Any] = {"name": row.get("name"), "target": _describe_target(row, wanted)}
    for name in ("category", "team", "end_date", "description"):
        if (text := row.get(name)) is not None:
            body[name] = text
    body["is_active"] = row.is_active
    if body["target"]["type"] == "webhook":
        body["metadata"] = _read_body(row) | _branch_detail(row)
    return body


def _branch_detail(row: Row) -> dict[str, Any]:
    branch = row.get("branch")
    return {} if branch is None or "branchDetails" in _read_body(row) else {"branchDetails": branch}


def _read_body(row: Row) -> dict[str, Any]:
    try:
        return row.read_body()
    except ValueError as error:
        raise _Wrong(row, "body", f"the request body is not a JSON object: {error}") from error


def _describe_target(row: Row, wanted: Upload) -> dict[str, Any]:
    if (url := row.get("url")) is not None and "://" in url and not row.get("workflow"):
        return {"type": "webhook", "url": url}
    return {"type": "github", **_name_workflow(row, wanted), "ref": row.get("branch") or "main", "inputs": _inputs(row)}


def _name_workflow(row: Row, wanted: Upload) -> dict[str, str]:
    whole = row.get("dispatch_url") or (row.get("url") if row.get("workflow") is None else None)
    if whole is not None:
        return {"workflow": whole}
    repo, workflow = row.get("repo") or "", row.get("workflow")
    owner = row.get("owner") or wanted.default_owner
    if repo.count("/") == 1:
        owner, repo = repo.split("/")
    if not (owner and repo and workflow):
        raise _Wrong(row, "target", "the row has neither an address nor owner, repo and workflow")
    return {"owner": owner, "repo": repo, "workflow": workflow}


def _inputs(row: Row) -> dict[str, Any]:
    """Return the request body as inputs of a workflow; what is not plain is written as JSON."""
    return {name: _as_input(value) for name, value in _read_body(row).items()}


def _as_input(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | float) else json.dumps(value, ensure_ascii=False)


def _describe_schedule(row: Row, first: Row, sheet: Sheet, wanted: Upload) -> dict[str, Any]:
    """Return the schedule of a row, empty when it has none."""
    for column in SAME:
        if row.get(column) is not None and row.get(column) != first.get(column):
            raise _Wrong(row, column, f"differs from row {first.number}, which is of the same job")
    cron = row.get("cron")
    if cron is None:
        if row is not first:
            raise _Wrong(row, "cron_expression", "a further row of a job needs a cron expression")
        return {}
    schedule: dict[str, Any] = {"cron_expression": shift_weekdays(cron) if wanted.monday_is_zero else cron}
    zone = row.get("timezone") or wanted.timezone or sheet.default_zone
    if zone is not None:
        schedule["timezone"] = zone
    if row is not first and not row.is_active and first.is_active:
        schedule["is_active"] = False
    if row.get("body") is not None and _read_body(row) != _read_body(first):
        schedule["params"] = _read_body(row)
    return schedule


def shift_weekdays(cron: str) -> str:
    """Turn the weekday numbers of an expression that counts from Monday = 0 into ours, which counts from Sunday = 0."""
    fields = cron.split()
    if len(fields) != 5:
        return cron
    items = (_shift_item(item) for item in fields[4].split(","))
    return " ".join([*fields[:4], ",".join(items)])


def _shift_item(item: str) -> str:
    """Write a range out as days: shifted, its end may come before its beginning."""
    span, _, step = item.partition("/")
    low, dash, high = span.partition("-")
    if not low.isdigit():
        return item
    days = range(int(low), int(high if dash else "6" if step else low) + 1, int(step or 1))
    return ",".join(str((day + 1) % 7) for day in days)
