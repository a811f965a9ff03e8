"""What the API takes and shows of jobs and schedules."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict

from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.schemas import EXECUTION_EXAMPLE, ExecutionOut
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.jobs.slots import Misfire
from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import DstFold, DstGap
from stationmaster.kit.zone import load_zone
from stationmaster.web.schema import Input, Instant, JsonObject, LongText, Output, ShortText

MOST_SCHEDULES = 100
HUNDRED_YEARS_SECONDS = 100 * 366 * 86_400

TARGET_EXAMPLE: JsonDict = {"type": "webhook", "url": "https://example.com/hooks/nightly", "body": {"report": "daily"}}
JOB_EXAMPLE: JsonDict = {
    "name": "nightly-report",
    "target": TARGET_EXAMPLE,
    "cron_expression": "30 2 * * 1-5",
    "timezone": "Europe/Berlin",
    "retry": {"max_attempts": 3},
}


def _check_cron(expression: str | None) -> str | None:
    return None if expression is None else parse(expression).text


def _check_zone(name: str | None) -> str | None:
    if name is not None:
        load_zone(name)
    return name


CronText = Annotated[str, Field(min_length=1, max_length=200, examples=["30 2 * * 1-5"])]
ZoneName = Annotated[str, Field(min_length=1, max_length=64, examples=["Europe/Berlin"])]


class ScheduleIn(Input):
    """When a job runs: exactly one of `cron_expression`, `interval_seconds` and `run_at`.

    Intervals are elapsed time, counted from `starts_at` (or now). The clock-change choices are for cron expressions.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"cron_expression": "30 2 * * 1-5", "timezone": "Europe/Berlin"}]}
    )

    cron_expression: CronText | None = Field(
        None, description="Five fields, Unix weekdays, or an alias such as @daily."
    )
    interval_seconds: int | None = Field(None, ge=1, le=HUNDRED_YEARS_SECONDS, description="Distance of two runs.")
    run_at: Instant | None = Field(None, description="Run once, then.")
    timezone: ZoneName | None = Field(None, description="IANA zone of the expression; the server's default when empty.")
    dst_gap: DstGap = Field(DstGap.RUN_AFTER, description="A time that a clock change leaves out.")
    dst_fold: DstFold = Field(DstFold.FIRST, description="A time that a clock change repeats.")
    params: JsonObject | None = Field(None, description="Laid over the target's own, for runs of this schedule.")
    starts_at: Instant | None = Field(None, description="No run before.")
    ends_at: Instant | None = Field(None, description="No run at or after.")
    is_active: bool = Field(True, description="Whether it runs at all.")

    _cron = field_validator("cron_expression")(_check_cron)
    _zone = field_validator("timezone")(_check_zone)

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        given = [name for name in ("cron_expression", "interval_seconds", "run_at") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of cron_expression, interval_seconds and run_at")
        without_effect = _WITHOUT_EFFECT[given[0]] & self.model_fields_set
        if without_effect:
            raise ValueError(f"{', '.join(sorted(without_effect))} would have no effect with {given[0]}")
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


_WITHOUT_EFFECT = {
    "cron_expression": frozenset[str](),
    "interval_seconds": frozenset({"dst_gap", "dst_fold"}),
    "run_at": frozenset({"dst_gap", "dst_fold", "starts_at", "ends_at"}),
}


class SchedulePatch(Input):
    """Changes to a schedule; what is not given stays. To change its kind, make another."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cron_expression": "0 3 * * *"}]})

    cron_expression: CronText | None = None
    interval_seconds: int | None = Field(None, ge=1, le=HUNDRED_YEARS_SECONDS)
    run_at: Instant | None = None
    timezone: ZoneName | None = None
    dst_gap: DstGap | None = None
    dst_fold: DstFold | None = None
    params: JsonObject | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    is_active: bool | None = None


class ScheduleOut(Output):
    """A schedule, and where it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019aa1c0-2222-7aaa-8bbb-0123456789ab",
                    "cron_expression": "30 2 * * 1-5",
                    "interval_seconds": None,
                    "run_at": None,
                    "timezone": "Europe/Berlin",
                    "dst_gap": "run_after",
                    "dst_fold": "first",
                    "params": None,
                    "starts_at": None,
                    "ends_at": None,
                    "is_active": True,
                    "next_run_at": "2026-11-23T01:30:00.000Z",
                    "last_slot_at": "2026-11-20T01:30:00.000Z",
                    "text": "At 02:30, Monday to Friday (Europe/Berlin)",
                    "last_error": None,
                    "created_at": "2026-11-01T08:00:00.000Z",
                    "updated_at": "2026-11-01T08:00:00.000Z",
                }
            ]
        }
    )

    id: UUID
    cron_expression: str | None
    interval_seconds: int | None
    run_at: datetime | None
    timezone: str
    dst_gap: DstGap
    dst_fold: DstFold
    params: dict[str, Any] | None
    starts_at: datetime | None
    ends_at: datetime | None
    is_active: bool
    next_run_at: datetime | None = Field(description="The next slot; null when there is none or it is not active.")
    last_slot_at: datetime | None = Field(description="The newest slot that was decided.")
    text: str = Field(description="The schedule in words.")
    last_error: str | None = Field(description="Why it could not be evaluated, when it could not.")
    created_at: datetime
    updated_at: datetime


class Policies(Input):
    """How a job behaves when things do not go to plan."""

    misfire: Misfire = Field(Misfire(), description="Slots that were missed.")
    overlap: Overlap = Field(Overlap(), description="Runs that would overlap.")
    retry: Retry = Field(Retry(), description="Attempts that failed.")
    timeout_seconds: float = Field(300, gt=0, le=86_400 * 7, description="Whole time of one attempt.")
    on_lost: OnLost | None = Field(
        None,
        description="What to do when the replica that ran it went away: `retry` (at least once; the default of webhooks)"
        " or `fail` (at most once).",
    )


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
    is_active: bool = Field(True, description="Whether its schedules run.")
    metadata: JsonObject = Field(
        {}, description="Any facts; sent as the JSON body of a webhook that has none of its own."
    )

    _cron = field_validator("cron_expression")(_check_cron)
    _zone = field_validator("timezone")(_check_zone)

    @model_validator(mode="before")
    @classmethod
    def _lift_policies(cls, data: Any) -> Any:
        return lift_policies(data)

    @model_validator(mode="after")
    def _check_short_form(self) -> Self:
        check_short_form(self)
        return self


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
    is_active: bool | None = None
    metadata: JsonObject | None = None
    misfire: Misfire | None = None
    overlap: Overlap | None = None
    retry: Retry | None = None
    timeout_seconds: float | None = Field(None, gt=0, le=86_400 * 7)
    on_lost: OnLost | None = None

    _cron = field_validator("cron_expression")(_check_cron)
    _zone = field_validator("timezone")(_check_zone)

    @model_validator(mode="before")
    @classmethod
    def _lift_policies(cls, data: Any) -> Any:
        return lift_policies(data)

    @model_validator(mode="after")
    def _refuse_null(self) -> Self:
        emptied = [name for name in self.model_fields_set - _MAY_BE_NULL if getattr(self, name) is None]
        if emptied:
            raise ValueError(f"{', '.join(sorted(emptied))} cannot be null; leave out what stays as it is")
        if self.schedules is not None and self.cron_expression is not None:
            raise ValueError("give either schedules or cron_expression, which is short for one")
        return self


_MAY_BE_NULL = {"description", "cron_expression"}
_POLICY_NAMES = frozenset(Policies.model_fields)


def lift_policies(data: Any) -> Any:
    """Take the policies also as one object, `policies: {...}`, beside the other fields."""
    if not isinstance(data, dict) or not isinstance(data.get("policies"), dict):
        return data
    nested = data["policies"]
    twice, unknown = nested.keys() & data.keys(), nested.keys() - _POLICY_NAMES
    if twice or unknown:
        raise ValueError(f"policies: {', '.join(sorted(map(str, twice | unknown)))} given twice or unknown")
    return {name: value for name, value in data.items() if name != "policies"} | nested


def check_short_form(job: JobIn) -> None:
    """Refuse two ways of saying when."""
    if job.cron_expression is not None and job.schedules:
        raise ValueError("give either schedules or cron_expression, which is short for one")
    if job.timezone is not None and job.cron_expression is None:
        raise ValueError("timezone belongs to cron_expression here; each of schedules has its own")


class JobOut(Output):
    """A job, its schedules, and how its last execution went."""

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
                    "metadata": {},
                    "is_active": True,
                    "paused_at": None,
                    "paused_until": None,
                    "pause_reason": None,
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
    metadata: dict[str, Any]
    is_active: bool
    paused_at: datetime | None
    paused_until: datetime | None
    pause_reason: str | None
    cron_expression: str | None = Field(description="That of the only schedule, when there is one and it is cron.")
    timezone: str | None
    schedules: list[ScheduleOut]
    schedule_text: str | None = Field(description="The schedules in words.")
    next_run_at: datetime | None = Field(description="The earliest next slot; null while paused or not active.")
    last_execution: ExecutionOut | None
    created_at: datetime
    updated_at: datetime


class PauseIn(Input):
    """Why, and until when, a job pauses."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "maintenance", "until": "2026-12-01T06:00:00Z"}]}
    )

    reason: LongText | None = Field(None, description="Shown with the job and in the ledger.")
    until: Instant | None = Field(None, description="Ends the pause by itself.")


class ExecuteIn(Input):
    """What is different in this one execution; nothing of it is stored with the job.

    Besides `params` and `metadata`, fields of the target may be given, such as `url` or `body`. A webhook sent to another
    host than the job's does not carry the job's secrets.
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


class CronIn(Input):
    """An expression to look at."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"expression": "30 2 * * 1-5", "timezone": "Europe/Berlin", "count": 5}]}
    )

    expression: str = Field(max_length=1000, examples=["30 2 * * 1-5"])
    timezone: str | None = Field(None, max_length=64, examples=["Europe/Berlin"])
    count: int = Field(5, ge=1, le=100, description="How many coming runs to show.")
    dst_gap: DstGap = DstGap.RUN_AFTER
    dst_fold: DstFold = DstFold.FIRST


class ClockChangeOut(Output):
    """A clock change that touches the expression."""

    at: datetime
    kind: Literal["gap", "fold"]
    local_time: str = Field(description="The first local time it leaves out or repeats.")
    effect: str = Field(description="What will happen, in words.")


class CronOut(Output):
    """An expression, understood or refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "valid": True,
                    "expression": "30 2 * * 1-5",
                    "timezone": "Europe/Berlin",
                    "description": "At 02:30, Monday to Friday (Europe/Berlin)",
                    "next_runs": ["2026-11-23T01:30:00.000Z"],
                    "clock_changes": [],
                    "error": None,
                    "field": None,
                }
            ]
        }
    )

    valid: bool
    expression: str
    timezone: str
    description: str | None = None
    next_runs: list[datetime] = []
    clock_changes: list[ClockChangeOut] = Field([], description="The next two clock changes that touch it.")
    error: str | None = None
    field: str | None = Field(None, description="The part that is wrong.")


class WhyOut(Output):
    """Why a slot did, or did not, run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2026-11-21T01:30:00.000Z",
                    "is_planned": True,
                    "explanation": "The slot ran and succeeded.",
                    "schedule_id": "019aa1c0-2222-7aaa-8bbb-0123456789ab",
                    "execution": EXECUTION_EXAMPLE,
                    "previous_slot": "2026-11-20T01:30:00.000Z",
                    "next_slot": "2026-11-23T01:30:00.000Z",
                }
            ]
        }
    )

    at: datetime
    is_planned: bool = Field(description="Whether a schedule has a slot at that instant.")
    explanation: str
    schedule_id: UUID | None
    execution: ExecutionOut | None = Field(description="The record of the slot, when it was decided.")
    previous_slot: datetime | None
    next_slot: datetime | None
