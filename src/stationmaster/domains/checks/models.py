"""The tables of checks and of the signs of life that they got."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from stationmaster.db.base import PERSONAL, Json, Table, TimedTable, enum_column
from stationmaster.kit import clock, tokens

KEY_LENGTH = 32


class CheckState(StrEnum):
    """How a check stands; see the package's docstring."""

    NEW = "new"
    UP = "up"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"


class Reminder(StrEnum):
    """How often it is told again that a check is down."""

    NONE = "none"
    HOURLY = "hourly"
    DAILY = "daily"


class Signal(StrEnum):
    """What a sign of life says."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"


def new_key() -> str:
    """Make a key that nobody guesses: 190 random bits."""
    return tokens.random_text(KEY_LENGTH)


class Check(TimedTable, table=True):
    """One dead-man switch."""

    __tablename__ = "checks"
    __table_args__ = (
        sa.Index("ix_checks_owner", "owner_id"),
        sa.Index("ix_checks_job", "job_id"),
        sa.Index("ix_checks_state", "state", "down_at"),
        sa.CheckConstraint(
            "(period_seconds IS NOT NULL AND cron_expression IS NULL AND job_id IS NULL)"
            " OR (period_seconds IS NULL AND cron_expression IS NOT NULL AND job_id IS NULL)"
            " OR (period_seconds IS NULL AND cron_expression IS NULL AND job_id IS NOT NULL)",
            name="one_kind",
        ),
    )

    name: str = Field(max_length=255)
    description: str | None = Field(default=None, sa_type=sa.Text)
    owner_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    team_id: UUID | None = Field(default=None, foreign_key="teams.id")
    job_id: UUID | None = Field(default=None, foreign_key="jobs.id", ondelete="CASCADE")
    ping_key: str = Field(default_factory=new_key, max_length=KEY_LENGTH, unique=True)
    badge_key: str = Field(default_factory=new_key, max_length=KEY_LENGTH, unique=True)
    period_seconds: int | None = None
    cron_expression: str | None = Field(default=None, max_length=200)
    timezone: str = Field(default="UTC", max_length=64)
    grace_seconds: int
    reminder: Reminder = Field(default=Reminder.NONE, sa_type=enum_column(Reminder, "reminder"))
    emails: list[str] = Field(default_factory=list, sa_type=Json, sa_column_kwargs=PERSONAL)

    state: CheckState = Field(default=CheckState.NEW, sa_type=enum_column(CheckState, "check_state"))
    state_changed_at: datetime = Field(default_factory=clock.now)
    due_at: datetime | None = None
    down_at: datetime | None = None
    last_ping_at: datetime | None = None
    last_start_at: datetime | None = None
    """When the run under way began; None when none is."""
    last_duration_seconds: float | None = None
    ping_count: int = 0
    reminded_at: datetime | None = None
    """When it was last told that it is down."""


class Ping(Table, table=True):
    """One sign of life."""

    __tablename__ = "pings"
    __table_args__ = (sa.Index("ix_pings_check", "check_id", "id"),)

    check_id: UUID = Field(foreign_key="checks.id", ondelete="CASCADE")
    signal: Signal = Field(sa_type=enum_column(Signal, "signal"))
    exit_code: int | None = None
    at: datetime = Field(default_factory=clock.now)
    method: str | None = Field(default=None, max_length=8)
    address: str | None = Field(default=None, max_length=45, sa_column_kwargs=PERSONAL)
    user_agent: str | None = Field(default=None, max_length=300)
    body: str | None = Field(default=None, sa_type=sa.Text)
    execution_id: UUID | None = None
    duration_seconds: float | None = None
