"""What the API takes and gives about checks."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator

from stationmaster.domains.checks.models import Check, CheckState, Reminder, Signal
from stationmaster.domains.jobs.policy_schemas import EmailAddress
from stationmaster.domains.jobs.schedule_schemas import CronText, ZoneName, check_cron, check_zone
from stationmaster.domains.users.schemas import maybe
from stationmaster.web.schema import Input, LongText, Output, ShortText

YEAR_SECONDS = 366 * 86_400
KINDS = ("period_seconds", "cron_expression", "job_id")

Period = Annotated[int, Field(ge=1, le=YEAR_SECONDS, examples=[86_400])]
Grace = Annotated[int, Field(ge=1, le=YEAR_SECONDS, examples=[3600])]
TeamText = Annotated[str, Field(max_length=255, examples=["night-shift"])]


class CheckIn(Input):
    """A check: exactly one of `period_seconds`, `cron_expression` and `job_id` says when signs of life are expected."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "backup", "period_seconds": 86_400, "grace_seconds": 3600}]}
    )

    name: ShortText = Field(examples=["backup"])
    description: LongText | None = None
    period_seconds: Period | None = Field(None, description="Time from one sign to the next.")
    cron_expression: CronText | None = Field(None, description="When signs are expected, in `timezone`.")
    timezone: ZoneName | None = Field(None, description="IANA zone of the expression; UTC when left out.")
    job_id: UUID | None = Field(None, description="A job of this service: the ends of its executions are the signs.")
    grace_seconds: Grace = Field(300, description="How late a sign may be, and how long a run may take after a start.")
    team: TeamText | None = Field(None, description="Slug or name of the team that is told besides the owner.")
    emails: list[EmailAddress] = Field([], max_length=50, description="Addresses to mail besides.")
    reminder: Reminder = Field(Reminder.NONE, description="How often it is told again that the check is down.")

    _cron = field_validator("cron_expression")(check_cron)
    _zone = field_validator("timezone")(check_zone)

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if sum(getattr(self, name) is not None for name in KINDS) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}")
        if self.timezone is not None and self.cron_expression is None:
            raise ValueError("a time zone belongs to a cron expression")
        return self


class CheckPatch(Input):
    """The fields to change; absent ones stay. Naming one of the three kinds of expectation replaces the present one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"grace_seconds": 600}]})

    name: ShortText = maybe(examples=["backup"])
    description: LongText | None = None
    period_seconds: Period = maybe()
    cron_expression: CronText = maybe()
    timezone: ZoneName = maybe()
    job_id: UUID = maybe()
    grace_seconds: Grace = maybe()
    team: TeamText | None = None
    emails: list[EmailAddress] = maybe(max_length=50)
    reminder: Reminder = maybe()

    _cron = field_validator("cron_expression")(check_cron)
    _zone = field_validator("timezone")(check_zone)

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if sum(name in self.model_fields_set for name in KINDS) > 1:
            raise ValueError(f"give only one of {', '.join(KINDS)}")
        return self


class CheckOut(Output):
    """A check and how it stands."""

    volatile: ClassVar[frozenset[str]] = frozenset(
        {
            "updated_at",
            "state",
            "state_changed_at",
            "due_at",
            "down_at",
            "last_ping_at",
            "last_start_at",
            "last_duration_seconds",
            "ping_count",
        }
    )

    id: UUID
    name: str = Field(examples=["backup"])
    description: str | None = Field(examples=["Copies the archive to the other site."])
    owner_id: UUID | None
    team: str | None = Field(description="Slug of its team.", examples=["night-shift"])
    period_seconds: int | None
    cron_expression: str | None = Field(examples=["30 2 * * *"])
    timezone: str = Field(examples=["UTC"])
    job_id: UUID | None
    grace_seconds: int
    emails: list[str] | None = Field(description="For its owner and administrators.", examples=[["ops@example.com"]])
    reminder: Reminder
    state: CheckState
    state_changed_at: datetime
    due_at: datetime | None = Field(description="When the next sign is expected.")
    down_at: datetime | None = Field(description="When silence becomes an alarm.")
    last_ping_at: datetime | None
    last_start_at: datetime | None = Field(description="When the run under way began.")
    last_duration_seconds: float | None = Field(description="From the last start to its end.")
    ping_count: int
    ping_url: str | None = Field(
        description="Where signs are sent to: as it is for success, with `/start`, `/fail`, `/log` or an exit code. For its"
        " owner and administrators; null where a job is watched.",
        examples=["https://station.example/ping/3vQ8mC0tYb1LxKz5Wd7NaEr2HgUo9PfS"],
    )
    badge_url: str = Field(
        description="A picture of its state, for everybody.",
        examples=["https://station.example/api/v1/checks/badges/B1LxKz5Wd7NaEr2HgUo9PfS3vQ8mC0tY"],
    )
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, check: Check, *, team: str | None, public_url: str, is_open: bool) -> Self:
        facts: dict[str, Any] = check.model_dump(include=set(cls.model_fields) - {"emails"})
        has_address = is_open and check.job_id is None
        return cls(
            **facts,
            team=team,
            emails=check.emails if is_open else None,
            ping_url=f"{public_url}/ping/{check.ping_key}" if has_address else None,
            badge_url=f"{public_url}/api/v1/checks/badges/{check.badge_key}",
        )


class PingOut(Output):
    """A sign of life."""

    volatile: ClassVar[frozenset[str]] = frozenset()

    id: UUID
    signal: Signal
    exit_code: int | None
    at: datetime
    method: str | None = Field(examples=["POST"])
    address: str | None = Field(description="Where it came from, its last part left out.", examples=["192.0.2.0"])
    user_agent: str | None = Field(examples=["curl/8.5.0"])
    body: str | None = Field(description="What was sent along, up to 10,000 characters.", examples=["42 files copied"])
    execution_id: UUID | None = Field(description="The execution whose end it is.")
    duration_seconds: float | None
