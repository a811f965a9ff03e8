"""What the API takes and shows of exports, imports and uploads."""

from typing import Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from stationmaster.web.schema import Input, JsonObject, Output, ShortText

DOCUMENT_EXAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": [{"name": "nightly-report", "target": {"type": "webhook", "url": "https://example.com/hooks/nightly"}}],
}


class ImportIn(Input):
    """A document to compare with what is there, and to carry out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"document": DOCUMENT_EXAMPLE, "mode": "plan"}]})

    document: JsonObject | None = Field(None, description="The document as JSON.")
    text: str | None = Field(None, max_length=1_000_000, description="The document as YAML or JSON text.")
    mode: Literal["plan", "apply"] = Field(
        "plan", description="`plan` only tells the differences; `apply` carries them out, all or nothing."
    )
    prune: bool = Field(
        False, description="Delete your jobs (for administrators: all jobs) that the document does not name."
    )

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        if (self.document is None) == (self.text is None):
            raise ValueError("give either document or text")
        return self


class FieldChange(Output):
    """A field that differs."""

    field: str = Field(examples=["timeout_seconds"])
    present: Any = Field(description="What it is; null when it is the default.")
    wanted: Any = Field(description="What the document says; null when it is the default.")


class Change(Output):
    """What is to be done about one thing."""

    section: str = Field(examples=["jobs"])
    name: str = Field(examples=["nightly-report"])
    action: Literal["create", "update", "delete", "same", "unlisted"] = Field(
        description="`unlisted`: it is there and not in the document, and stays."
    )
    fields: list[FieldChange] = []


class ImportFault(Output):
    """Why one thing cannot be as the document says."""

    section: str
    name: str
    detail: str


class ImportOut(Output):
    """The differences between a document and what is there, and whether they were carried out."""

    mode: Literal["plan", "apply"]
    is_applied: bool
    has_drift: bool = Field(description="Whether anything differs.")
    counts: dict[str, int] = Field(examples=[{"create": 1, "update": 0, "delete": 0, "same": 4, "unlisted": 2}])
    changes: list[Change]
    errors: list[ImportFault] = Field(description="What would be refused; `apply` is refused as a whole then.")


class ConvertIn(Input):
    """What another scheduler has, as text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"format": "crontab", "text": "0 3 * * * curl -fsS https://example.com/hooks/nightly"}]
        }
    )

    format: Literal["crontab", "github", "kubernetes", "curl"] = Field(
        description="A crontab, a GitHub workflow file, Kubernetes CronJobs in YAML, or one curl command."
    )
    text: str = Field(min_length=1, max_length=1_000_000)
    name: ShortText | None = Field(None, description="Name of the job, where the text has none.")
    repository: str | None = Field(
        None, pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", description="`owner/repo` of a GitHub workflow file."
    )
    file_name: ShortText | None = Field(None, description="Name of the workflow file, such as `nightly.yml`.")
    timezone: ShortText | None = Field(None, description="Zone of a crontab that names none.")


class ConvertOut(Output):
    """The same as a document that can be imported, and what could not be carried over."""

    document: dict[str, Any] = Field(examples=[DOCUMENT_EXAMPLE])
    notes: list[str] = Field(description="What to look at before it is imported.")


class UploadStats(Output):
    """What was read of a CSV file."""

    original_column_count: int
    original_row_count: int
    removed_column_count: int = Field(description="Columns without a heading.")
    removed_empty_row_count: int


class UploadedJob(Output):
    """A job that was made of rows, or would be."""

    id: UUID | None = Field(description="Null in a dry run.")
    name: str
    is_active: bool
    schedule_count: int
    rows: list[int] = Field(description="Its rows; the heading is row 1.")


class RowError(Output):
    """A row that was not taken, and why."""

    row: int
    job_name: str | None
    field: str | None = Field(examples=["cron_expression"])
    error: str


class UploadOut(Output):
    """What became of a CSV file."""

    dry_run: bool
    stats: UploadStats
    created_count: int = Field(description="Jobs made, or that would be.")
    error_count: int
    jobs: list[UploadedJob]
    errors: list[RowError]


class BulkIn(Input):
    """What to do with several jobs."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"action": "disable", "ids": ["019aa1c0-1111-7aaa-8bbb-0123456789ab"]}]}
    )

    action: Literal["enable", "disable", "delete", "set_team", "set_category"]
    ids: list[UUID] = Field(min_length=1, max_length=1000, description="Ids of the jobs.")
    team: ShortText | None = Field(None, description="For `set_team`: slug or name; none when empty.")
    category: ShortText | None = Field(None, description="For `set_category`: slug or name.")

    @model_validator(mode="after")
    def _check_effect(self) -> Self:
        if self.category is not None and self.action != "set_category":
            raise ValueError("category belongs to set_category")
        if self.team is not None and self.action != "set_team":
            raise ValueError("team belongs to set_team")
        if self.category is None and self.action == "set_category":
            raise ValueError("say which category")
        return self


class BulkResult(Output):
    """What became of one job."""

    id: UUID
    ok: bool
    error: str | None


class BulkOut(Output):
    """What became of several jobs."""

    changed_count: int
    failed_count: int
    results: list[BulkResult]
