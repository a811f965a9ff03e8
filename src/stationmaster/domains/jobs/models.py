"""The tables of the timetable."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import PERSONAL, Json, TimedTable, enum_column, sealed
from stationmaster.domains.taxonomy.models import GENERAL_ID
from stationmaster.kit.cron_timetable import DstFold, DstGap


class PauseCause(StrEnum):
    """What paused a job."""

    REQUESTED = "requested"
    """Somebody did."""
    ENDED = "ended"
    """Its end date has passed."""
    FAILURES = "failures"
    """So many executions in a row failed as its policy allows."""


class Job(TimedTable, table=True):
    """A named target with its policies. `spec_id` is the present version of what its executions do."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index("ix_jobs_owner", "owner_id"),
        sa.Index("ix_jobs_category", "category_id"),
        sa.Index("ix_jobs_team", "team_id"),
        sa.Index(
            "ix_jobs_ends_at",
            "ends_at",
            sqlite_where=sa.text("ends_at IS NOT NULL"),
            postgresql_where=sa.text("ends_at IS NOT NULL"),
        ),
    )

    name: str = Field(max_length=255, unique=True)
    description: str | None = Field(default=None, sa_type=sa.Text)
    owner_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    category_id: UUID = Field(default=GENERAL_ID, foreign_key="job_categories.id")
    team_id: UUID | None = Field(default=None, foreign_key="teams.id")
    target: dict[str, Any] = Field(sa_type=Json, sa_column_kwargs=sealed())
    """As given, its secrets sealed to this row's id."""
    misfire: dict[str, Any] = Field(sa_type=Json)
    overlap: dict[str, Any] = Field(sa_type=Json)
    retry: dict[str, Any] = Field(sa_type=Json)
    timeout_seconds: float
    on_lost: str = Field(max_length=16)
    spread_seconds: int = 0
    auto_pause_after_failures: int = 0
    failures_in_a_row: int = 0
    """How many executions have failed since the last success, as far as the ends of its executions are watched."""
    is_watched: bool = False
    """Whether somebody waits for the ends of its executions; see `dependencies.refresh_watch`."""
    meta: dict[str, Any] = Field(sa_column=sa.Column("metadata", Json, nullable=False))
    notifications: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False, **PERSONAL))
    """Whom to tell how its executions ended; see `schemas.Notifications`."""
    end_date: date | None = None
    """The last day on which it runs."""
    ends_at: datetime | None = None
    """When that day is over, in the zone of its schedules (the latest of them)."""
    reminded_at: datetime | None = None
    """When its owner was last reminded of the end."""
    spec_id: UUID = Field(foreign_key="specs.id")
    is_active: bool = True
    pause_cause: PauseCause | None = Field(default=None, sa_type=enum_column(PauseCause, "pause_cause", grows=True))
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    pause_reason: str | None = Field(default=None, sa_type=sa.Text)


EVERYTHING = UUID(int=0)
"""Scope of a pause of all jobs."""


class MaintenancePause(SQLModel, table=True):
    """A pause of all jobs of a category; see `maintenance`."""

    __tablename__ = "maintenance_pauses"

    scope_id: UUID = Field(primary_key=True)
    """The category, or `EVERYTHING`."""
    paused_at: datetime
    paused_until: datetime | None = None
    reason: str | None = Field(default=None, sa_type=sa.Text)
    paused_by: UUID | None = None


class Schedule(TimedTable, table=True):
    """When a job runs: a cron expression, an interval, or one instant."""

    __tablename__ = "schedules"
    __table_args__ = (
        sa.Index(
            "ix_schedules_next_run_at",
            "next_run_at",
            sqlite_where=sa.text("next_run_at IS NOT NULL"),
            postgresql_where=sa.text("next_run_at IS NOT NULL"),
        ),
        sa.CheckConstraint(
            "(cron_expression IS NOT NULL AND interval_seconds IS NULL AND run_at IS NULL)"
            " OR (cron_expression IS NULL AND interval_seconds IS NOT NULL AND run_at IS NULL)"
            " OR (cron_expression IS NULL AND interval_seconds IS NULL AND run_at IS NOT NULL)",
            name="one_kind",
        ),
    )

    job_id: UUID = Field(foreign_key="jobs.id", ondelete="CASCADE", index=True)
    cron_expression: str | None = Field(default=None, max_length=200)
    interval_seconds: int | None = None
    run_at: datetime | None = None
    timezone: str = Field(max_length=64)
    dst_gap: DstGap = Field(default=DstGap.RUN_AFTER, sa_type=enum_column(DstGap, "dst_gap"))
    dst_fold: DstFold = Field(default=DstFold.FIRST, sa_type=enum_column(DstFold, "dst_fold"))
    params: dict[str, Any] | None = Field(default=None, sa_type=Json)
    calendars: list[str] | None = Field(default=None, sa_type=Json)
    """Names of the calendars whose times it leaves out; see `calendars`."""
    closed: list[list[str]] | None = Field(default=None, sa_type=Json)
    """Those times, copied from the calendars."""
    offset_seconds: int = 0
    """How much later than planned its slots are, by the job's `spread_seconds`."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    cutoff_at: datetime | None = None
    """When the job's last day is over in this schedule's zone: no slot at or after it."""
    is_active: bool = True

    anchor_at: datetime
    """Where the counting of an interval begins."""
    next_run_at: datetime | None = None
    """The earliest slot that is not decided yet; None when there is none, or the job or schedule is not active."""
    last_slot_at: datetime | None = None
    """The newest slot that was decided: no slot at or before it is ever made again."""
    swept_until: datetime | None = None
    """Up to this slot, records may have been removed by retention."""
    gap_id: UUID | None = None
    """The skipped execution that stands for the pause under way; further slots of the pause extend it."""
    spec_id: UUID | None = Field(default=None, foreign_key="specs.id")
    """Its own version of what is done, when it has params."""
    failures: int = 0
    """How often in a row the schedule could not be evaluated; then it rests until `next_run_at`."""
    last_error: str | None = Field(default=None, sa_type=sa.Text)
