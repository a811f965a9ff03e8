"""What the API takes and shows of what is done with jobs: pausing, executing, trying."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from stationmaster.domains.executions.targets import Target
from stationmaster.domains.jobs.schemas import TARGET_EXAMPLE
from stationmaster.web.paging import Page
from stationmaster.web.schema import Input, Instant, JsonObject, LongText, Output, RangeEnd, RangeStart, ShortText


class PauseIn(Input):
    """Why, and until when, a job pauses."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "maintenance", "until": "2026-12-01T06:00:00Z"}]}
    )

    reason: LongText | None = Field(None, description="Shown with the job and in the ledger.")
    until: Instant | None = Field(None, description="Ends the pause by itself.")


class ResumeIn(Input):
    """From when on a job runs again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from": "2026-12-01T06:00:00Z"}]})

    since: Instant | None = Field(
        None,
        alias="from",
        description="Now when empty. A later instant ends the pause then. An earlier one, within the pause, takes its slots"
        " from then on up again: the job's misfire policy says which of them run.",
    )


class MaintenanceIn(Input):
    """Which jobs pause, why, and until when."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"category": "general", "reason": "move", "until": "2026-12-01T06:00:00Z"}]}
    )

    category: ShortText | None = Field(None, description="Slug or name of a category; everything when empty.")
    reason: LongText | None = Field(None, description="Shown with the jobs.")
    until: Instant | None = Field(None, description="Ends the pause by itself.")


class MaintenanceEndIn(Input):
    """Which jobs run again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"category": "general"}]})

    category: ShortText | None = Field(None, description="Slug or name of a category; everything when empty.")


class BackfillIn(Input):
    """Which slots of the past to run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "dry_run": True}]
        }
    )

    start: RangeStart = Field(alias="from", description="The first instant, or the first day.")
    end: RangeEnd = Field(
        alias="to", description="The instant before which it ends, or the last day; not in the future."
    )
    only: Literal["missing", "failed", "all"] = Field(
        "missing", description="`missing`: what never ran; `failed`: that, and what never succeeded; `all`: every slot."
    )
    schedule_id: UUID | None = Field(None, description="Slots of this schedule only.")
    newest_first: bool = Field(False, description="Begin with the newest slot.")
    max_running: int = Field(
        1, ge=1, le=100, description="How many run at a time, where the job lets runs overlap; else its own rule holds."
    )
    dry_run: bool = Field(False, description="Only tell what would be run.")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("to must come after from")
        return self


class BackfillSlot(Output):
    """A slot of the range."""

    at: datetime
    schedule_id: UUID
    is_chosen: bool = Field(description="Whether it is run.")
    execution_id: UUID | None = Field(description="Its execution, when it was made.")


class BackfillOut(Output):
    """What is run of the past."""

    slot_count: int = Field(description="Slots in the range.")
    chosen_count: int = Field(description="Those that are run.")
    created_count: int = Field(description="Executions made; none in a dry run.")
    slots: list[BackfillSlot]


class ComingOut(Output):
    """A run to come."""

    at: datetime
    job_id: UUID
    job_name: str = Field(examples=["nightly-report"])
    schedule_id: UUID
    is_paused: bool = Field(description="Whether a pause that holds now keeps it from running.")


class UpcomingOut(Output, Page[ComingOut]):
    """The coming runs of all jobs, in the order of time."""

    start: datetime = Field(serialization_alias="from", description="The first instant looked at.")
    end: datetime = Field(serialization_alias="to", description="The instant before which they lie.")
    is_complete: bool = Field(description="Whether there are no more in that time.")


class ExecuteIn(Input):
    """What is different in this one execution; nothing of it is stored with the job.

    Besides `params` and `metadata`, fields of the target may be given, such as `url` or `body`. A webhook sent to another
    address than the job's does not carry the job's secrets.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"params": {"day": "2026-11-20"}}]})

    params: JsonObject | None = Field(None, description="Laid over the target's own.")
    metadata: JsonObject | None = Field(None, description="Instead of the job's.")

    @property
    def target_fields(self) -> JsonObject:
        return dict(self.model_extra or {})


class TestRunIn(Input):
    """A target to try once."""

    __test__ = False  # not a test class, whatever its name looks like
    model_config = ConfigDict(json_schema_extra={"examples": [{"target": TARGET_EXAMPLE, "timeout_seconds": 5}]})

    target: Target
    params: JsonObject | None = None
    timeout_seconds: float = Field(30, gt=0, le=60, description="Whole time of the try.")


class TestRunOut(Output):
    """What came of a try."""

    __test__ = False
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ok": True,
                    "type": "webhook",
                    "state": "succeeded",
                    "reason": None,
                    "response_status": 200,
                    "error": None,
                    "result": {"body": "ok", "truncated": False},
                    "duration_seconds": 0.08,
                }
            ]
        }
    )

    ok: bool
    type: str
    state: str
    reason: str | None
    response_status: int | None
    error: str | None
    result: dict[str, Any] | None
    duration_seconds: float
