"""The tables of the timetable."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from stationmaster.db.base import Json, TimedTable, enum_column, sealed
from stationmaster.kit.cron_timetable import DstFold, DstGap


class Job(TimedTable, table=True):
    """A named target with its policies. `spec_id` is the present version of what its executions do."""

    __tablename__ = "jobs"
    __table_args__ = (sa.Index("ix_jobs_owner", "owner_id"),)

    name: str = Field(max_length=255, unique=True)
    description: str | None = Field(default=None, sa_type=sa.Text)
    owner_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    target: dict[str, Any] = Field(sa_type=Json, sa_column_kwargs=sealed())
    """As given, its secrets sealed to this row's id."""
    misfire: dict[str, Any] = Field(sa_type=Json)
    overlap: dict[str, Any] = Field(sa_type=Json)
    retry: dict[str, Any] = Field(sa_type=Json)
    timeout_seconds: float
    on_lost: str = Field(max_length=16)
    meta: dict[str, Any] = Field(sa_column=sa.Column("metadata", Json, nullable=False))
    spec_id: UUID = Field(foreign_key="specs.id")
    is_active: bool = True
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    pause_reason: str | None = Field(default=None, sa_type=sa.Text)


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
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_active: bool = True

    anchor_at: datetime
    """Where the counting of an interval begins."""
    next_run_at: datetime | None = None
    """The earliest slot that is not decided yet; None when there is none, or the job or schedule is not active."""
    last_slot_at: datetime | None = None
    """The newest slot that was decided: no slot at or before it is ever made again."""
    gap_id: UUID | None = None
    """The skipped execution that stands for the pause under way; further slots of the pause extend it."""
    spec_id: UUID | None = Field(default=None, foreign_key="specs.id")
    """Its own version of what is done, when it has params."""
    failures: int = 0
    """How often in a row the schedule could not be evaluated; then it rests until `next_run_at`."""
    last_error: str | None = Field(default=None, sa_type=sa.Text)
