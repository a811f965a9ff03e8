"""What the API takes and shows of jobs."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict

from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.schemas import EXECUTION_EXAMPLE, FIGURES_EXAMPLE, ExecutionOut, FiguresOut
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.jobs.models import PauseCause
from stationmaster.domains.jobs.policy_schemas import Dependencies, DependencyIn, Notifications, Policies, lift_policies
from stationmaster.domains.jobs.schedule_schemas import (
    MOST_SCHEDULES,
    CronText,
    ScheduleIn,
    ScheduleOut,
    ZoneName,
    check_cron,
    check_zone,
)
from stationmaster.domains.jobs.slots import Misfire
from stationmaster.web.schema import Input, JsonObject, LongText, Output, ShortText

TARGET_EXAMPLE: JsonDict = {"type": "webhook", "url": "https://example.com/hooks/nightly", "body": {"report": "daily"}}
JOB_EXAMPLE: JsonDict = {
    "name": "nightly-report",
    "target": TARGET_EXAMPLE,
    "cron_expression": "30 2 * * 1-5",
    "timezone": "Europe/Berlin",
    "retry": {"max_attempts": 3},
}


LabelText = Annotated[ShortText, Field(examples=["data-imports"])]


class JobIn(Policies):
    """A job: a target, policies, and any number of schedules.

    `cron_expression` with `timezone` is short for one schedule. Without any the job runs on request only.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [JOB_EXAMPLE]})

    name: ShortText = Field(description="Unique.", examples=["nightly-report"])
    description: LongText | None = None
    target: Target = Field(description="What to do.")
    cron_expression: CronText | None = Field(None, description="Short for one schedule.")
    timezone: ZoneName | None = Field(None, description="Zone of `cron_expression`.")
    schedules: list[ScheduleIn] = Field([], max_length=MOST_SCHEDULES, description="When it runs.")
    category: LabelText | None = Field(None, description="Slug or name of a job category; `general` when empty.")
    team: LabelText | None = Field(None, description="Slug or name of the team that looks after it.")
    end_date: date | None = Field(
        None,
        description="Last day on which it runs, in the zone of each schedule; then it pauses and its owner is told.",
    )
    notifications: Notifications = Field(Notifications(), description="Whom to tell how its executions ended.")
    is_active: bool = Field(True, description="Whether its schedules run.")
    metadata: JsonObject = Field(
        {}, description="Any facts; sent as the JSON body of a webhook that has none of its own."
    )

    _cron = field_validator("cron_expression")(check_cron)
    _zone = field_validator("timezone")(check_zone)

    @model_validator(mode="before")
    @classmethod
    def _lift_policies(cls, data: Any) -> Any:
        return lift_policies(data)

    @model_validator(mode="after")
    def _check_short_form(self) -> Self:
        check_short_form(self)
        return self


_NEVER_NULL = (
    *("name", "target", "timezone", "schedules", "is_active", "metadata", "category", "notifications"),
    *("misfire", "overlap", "retry", "timeout_seconds", "on_lost", "auto_pause_after_failures", "depends_on"),
    "spread_seconds",
)


class JobPatch(Input):
    """Changes to a job; what is not given stays. Policies, target and schedules are replaced whole.

    A secret sent back as it was shown (`********`) is kept.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_active": False}]})

    name: ShortText | None = None
    description: LongText | None = None
    target: Target | None = None
    cron_expression: CronText | None = None
    timezone: ZoneName | None = None
    schedules: list[ScheduleIn] | None = Field(None, max_length=MOST_SCHEDULES)
    category: LabelText | None = None
    team: LabelText | None = None
    end_date: date | None = None
    notifications: Notifications | None = None
    is_active: bool | None = None
    metadata: JsonObject | None = None
    misfire: Misfire | None = None
    overlap: Overlap | None = None
    retry: Retry | None = None
    timeout_seconds: float | None = Field(None, gt=0, le=86_400 * 7)
    on_lost: OnLost | None = None
    spread_seconds: int | None = Field(None, ge=0, le=86_400)
    auto_pause_after_failures: int | None = Field(None, ge=0, le=1000)
    depends_on: Dependencies | None = None

    _cron = field_validator("cron_expression")(check_cron)
    _zone = field_validator("timezone")(check_zone)

    @model_validator(mode="before")
    @classmethod
    def _lift_policies(cls, data: Any) -> Any:
        return lift_policies(data)

    @field_validator(*_NEVER_NULL, mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be null; leave out what stays as it is")
        return value

    @model_validator(mode="after")
    def _check_forms(self) -> Self:
        if self.schedules is not None and self.cron_expression is not None:
            raise ValueError("give either schedules or cron_expression, which is short for one")
        return self


def check_short_form(job: JobIn) -> None:
    """Refuse two ways of saying when."""
    if job.cron_expression is not None and job.schedules:
        raise ValueError("give either schedules or cron_expression, which is short for one")
    if job.timezone is not None and job.cron_expression is None:
        raise ValueError("timezone belongs to cron_expression here; each of schedules has its own")


class MaintenanceOut(Output):
    """A pause of a category, or of everything."""

    category: str | None = Field(description="Slug of the category; null when everything pauses.", examples=["general"])
    reason: str | None = Field(examples=["moving house"])
    paused_at: datetime
    paused_until: datetime | None


class CadenceOut(Output):
    """Whether a job keeps its pace."""

    interval_seconds: int | None = Field(description="How near to each other two slots may be; null without schedules.")
    usual_duration_seconds: float | None = Field(description="The p95 of the duration; null with too few runs.")
    is_drifting: bool = Field(description="Whether runs take longer than the time to the next slot.")
    warning: str | None = Field(description="What follows from that, in words.")


class JobFiguresOut(FiguresOut):
    """How the executions of a job went, and whether it keeps its pace."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **FIGURES_EXAMPLE,
                    "cadence": {
                        "interval_seconds": 60,
                        "usual_duration_seconds": 1.2,
                        "is_drifting": False,
                        "warning": None,
                    },
                }
            ]
        }
    )

    cadence: CadenceOut


class JobOut(Output):
    """A job, its schedules, and how its last execution went."""

    volatile: ClassVar[frozenset[str]] = frozenset(
        {"next_run_at", "last_execution", "failures_in_a_row", "maintenance", "updated_at"}
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019aa1c0-1111-7aaa-8bbb-0123456789ab",
                    "name": "nightly-report",
                    "description": None,
                    "owner_id": "019aa1c0-3333-7aaa-8bbb-0123456789ab",
                    "target": TARGET_EXAMPLE,
                    "misfire": {"policy": "last", "max_lateness_seconds": 3600, "max_runs": 100},
                    "overlap": {"policy": "skip", "key": None, "max_running": 1, "queue_max": 100},
                    "retry": {"max_attempts": 3},
                    "timeout_seconds": 300,
                    "on_lost": "retry",
                    "spread_seconds": 0,
                    "auto_pause_after_failures": 0,
                    "failures_in_a_row": 0,
                    "depends_on": [],
                    "metadata": {},
                    "category": "general",
                    "team": None,
                    "end_date": None,
                    "notifications": {"enabled": False, "emails": [], "on_success": False, "after_failures": 1},
                    "is_active": True,
                    "pause_cause": None,
                    "paused_at": None,
                    "paused_until": None,
                    "pause_reason": None,
                    "maintenance": None,
                    "cron_expression": "30 2 * * 1-5",
                    "timezone": "Europe/Berlin",
                    "schedules": [],
                    "schedule_text": "At 02:30, Monday to Friday (Europe/Berlin)",
                    "next_run_at": "2026-11-23T01:30:00.000Z",
                    "last_execution": EXECUTION_EXAMPLE,
                    "created_at": "2026-11-01T08:00:00.000Z",
                    "updated_at": "2026-11-01T08:00:00.000Z",
                }
            ]
        }
    )

    id: UUID
    name: str
    description: str | None
    owner_id: UUID | None
    target: Target
    misfire: Misfire
    overlap: Overlap
    retry: Retry
    timeout_seconds: float
    on_lost: OnLost
    spread_seconds: int
    auto_pause_after_failures: int
    failures_in_a_row: int = Field(
        description="How many executions failed since the last success; counted while somebody needs it:"
        " with auto_pause_after_failures, notifications, or jobs that depend on it."
    )
    depends_on: list[DependencyIn]
    metadata: dict[str, Any]
    category: str = Field(description="Slug of its category.")
    team: str | None = Field(description="Slug of its team.")
    end_date: date | None = Field(description="The last day on which it runs.")
    notifications: Notifications = Field(description="Its e-mail addresses are for its owner and administrators.")
    is_active: bool
    pause_cause: PauseCause | None = Field(description="What paused it, when it pauses.")
    paused_at: datetime | None
    paused_until: datetime | None
    pause_reason: str | None
    maintenance: MaintenanceOut | None = Field(
        description="The pause of its category, or of everything, that holds now."
    )
    cron_expression: str | None = Field(description="That of the only schedule, when there is one and it is cron.")
    timezone: str | None
    schedules: list[ScheduleOut]
    schedule_text: str | None = Field(description="The schedules in words.")
    next_run_at: datetime | None = Field(description="The earliest next slot; null while paused or not active.")
    last_execution: ExecutionOut | None
    created_at: datetime
    updated_at: datetime
