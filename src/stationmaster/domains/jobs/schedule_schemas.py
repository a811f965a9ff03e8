"""What the API takes and shows of timetables: schedules, cron expressions, and why a slot ran or did not."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator

from stationmaster.domains.executions.schemas import EXECUTION_EXAMPLE, ExecutionOut
from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import DstFold, DstGap
from stationmaster.kit.zone import load_zone
from stationmaster.web.schema import Input, Instant, JsonObject, Output, ShortText

MOST_SCHEDULES = 100
HUNDRED_YEARS_SECONDS = 100 * 366 * 86_400


def check_cron(expression: str | None) -> str | None:
    """Return an expression in its normal form, or refuse it by CronError."""
    return None if expression is None else parse(expression).text


def check_zone(name: str | None) -> str | None:
    """Return the name of a zone, or refuse it by ZoneError."""
    if name is not None:
        load_zone(name)
    return name


CronText = Annotated[str, Field(min_length=1, max_length=200, examples=["30 2 * * 1-5"])]
ZoneName = Annotated[str, Field(min_length=1, max_length=64, examples=["Europe/Berlin"])]


Calendars = Annotated[list[ShortText], Field(max_length=10, examples=[["holidays"]])]


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
    timezone: ZoneName | None = Field(
        None,
        description="IANA zone of the expression, of calendar days and of the end date; the server's default when empty.",
    )
    dst_gap: DstGap = Field(DstGap.RUN_AFTER, description="A time that a clock change leaves out.")
    dst_fold: DstFold = Field(DstFold.FIRST, description="A time that a clock change repeats.")
    params: JsonObject | None = Field(None, description="Laid over the target's own, for runs of this schedule.")
    calendars: Calendars = Field([], description="Names of calendars whose times it leaves out.")
    starts_at: Instant | None = Field(None, description="No run before.")
    ends_at: Instant | None = Field(None, description="No run at or after.")
    is_active: bool = Field(True, description="Whether it runs at all.")

    _cron = field_validator("cron_expression")(check_cron)
    _zone = field_validator("timezone")(check_zone)

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
    calendars: Calendars | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    is_active: bool | None = None


class ScheduleOut(Output):
    """A schedule, and where it stands."""

    volatile: ClassVar[frozenset[str]] = frozenset({"next_run_at", "last_slot_at", "last_error", "updated_at"})

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
                    "calendars": [],
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
    calendars: list[str] = Field(description="Names of the calendars whose times it leaves out.")
    starts_at: datetime | None
    ends_at: datetime | None
    is_active: bool
    next_run_at: datetime | None = Field(description="The next slot; null when there is none or it is not active.")
    last_slot_at: datetime | None = Field(description="The newest slot that was decided.")
    text: str = Field(description="The schedule in words.")
    last_error: str | None = Field(description="Why it could not be evaluated, when it could not.")
    created_at: datetime
    updated_at: datetime


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
