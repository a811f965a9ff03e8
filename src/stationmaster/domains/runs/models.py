"""The tables of runs."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from stationmaster.db.base import PERSONAL, Json, TimedTable, enum_column, partial_index
from stationmaster.domains.runs.status import RunStatus, SkipReason, StepStatus


class Run(TimedTable, table=True):
    """One entity going through one version of a process."""

    __tablename__ = "runs"
    __table_args__ = (
        partial_index("uq_runs_key", "process_id", "key", where="key IS NOT NULL AND deleted_at IS NULL", unique=True),
        sa.Index("ix_runs_process", "process_id", "id"),
        sa.Index("ix_runs_entity", "entity_id", "id"),
        sa.Index("ix_runs_status", "status", "id"),
        sa.Index("ix_runs_created_at", "created_at", "id"),
        # All that a dashboard counts, so that it reads the index alone.
        partial_index("ix_runs_figures", "process_id", "status", "duration_seconds", where="deleted_at IS NULL"),
        partial_index(
            "ix_runs_trend", "process_id", "created_at", "status", "duration_seconds", where="deleted_at IS NULL"
        ),
        partial_index("ix_runs_slowest", "status", "duration_seconds", "process_id", where="deleted_at IS NULL"),
        # By process and age: what is to be neutralised.
        partial_index("ix_runs_kept", "process_id", "created_at", where="neutralized_at IS NULL AND held_at IS NULL"),
        partial_index("ix_runs_deleted", "process_id", "deleted_at", where="deleted_at IS NOT NULL"),
        sa.Index(
            "ix_runs_meta",
            "meta",
            postgresql_using="gin",
            postgresql_ops={"meta": "jsonb_path_ops"},
            info={"dialect": "postgresql"},
        ).ddl_if(dialect="postgresql"),
    )

    process_id: UUID = Field(foreign_key="processes.id", ondelete="CASCADE")
    version: int
    """Of the process, when it began."""
    entity_id: str = Field(max_length=255, sa_column_kwargs=PERSONAL)
    entity_name: str | None = Field(default=None, max_length=255, sa_column_kwargs=PERSONAL)
    key: str | None = Field(default=None, max_length=255, sa_column_kwargs=PERSONAL)
    """The caller's own name for it, unique within the process."""
    meta: dict[str, Any] = Field(sa_type=Json, sa_column_kwargs=PERSONAL)
    params: dict[str, Any] | None = Field(default=None, sa_type=Json, sa_column_kwargs=PERSONAL)
    status: RunStatus = Field(default=RunStatus.PENDING, sa_type=enum_column(RunStatus, "run_status"))
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_seconds: float | None = None
    """From the start to the end; None while it has not ended."""
    cancelled_at: datetime | None = None
    """Set when somebody cancels it, and cleared when that is taken back."""
    created_by: UUID | None = None
    neutralized_at: datetime | None = None
    held_at: datetime | None = None
    """Since when it must be kept as it is, whatever the retention says."""
    hold_reason: str | None = Field(default=None, sa_type=sa.Text, sa_column_kwargs=PERSONAL)
    deleted_at: datetime | None = None


class StepRun(TimedTable, table=True):
    """One step of one run. The current ones of a run are one for each step; the others came before a rerun."""

    __tablename__ = "step_runs"
    __table_args__ = (
        partial_index("uq_step_runs_step", "run_id", "step_id", where="is_current AND parent_id IS NULL", unique=True),
        partial_index(
            "uq_step_runs_item", "parent_id", "item_index", where="is_current AND parent_id IS NOT NULL", unique=True
        ),
        sa.Index("ix_step_runs_run", "run_id", "index", "id"),
        partial_index("ix_step_runs_figures", "step_id", "status", where="is_current AND parent_id IS NULL"),
        partial_index("ix_step_runs_deadline", "deadline_at", where="deadline_at IS NOT NULL"),
        sa.CheckConstraint("finished_at >= started_at", name="times"),
    )

    run_id: UUID = Field(foreign_key="runs.id", ondelete="CASCADE")
    step_id: UUID = Field(foreign_key="steps.id", ondelete="CASCADE")
    index: int
    name: str = Field(max_length=255)
    """Of the step, in the version of the run."""
    status: StepStatus = Field(default=StepStatus.PENDING, sa_type=enum_column(StepStatus, "step_status"))
    is_optional: bool = False
    is_current: bool = True
    started_at: datetime | None = None
    finished_at: datetime | None = None
    meta: dict[str, Any] = Field(sa_type=Json, sa_column_kwargs=PERSONAL)
    result: dict[str, Any] | None = Field(default=None, sa_type=Json, sa_column_kwargs=PERSONAL)
    failure: dict[str, Any] | None = Field(default=None, sa_type=Json, sa_column_kwargs=PERSONAL)
    parent_id: UUID | None = None
    """The step run that is done for each item of a list; this one is for one of them. It goes with its run, so no foreign
    key is needed, which would cost a look-up for each row that is purged."""
    item: dict[str, Any] | None = Field(default=None, sa_type=Json, sa_column_kwargs=PERSONAL)
    item_index: int | None = None
    original_step_run_id: UUID | None = None
    """The first one, when this is a rerun."""
    rerun_number: int | None = None
    """From 1; None for what is no rerun."""
    execution_id: UUID | None = None
    """What carries it out, or did; None when it is reported from outside."""
    params: dict[str, Any] | None = Field(default=None, sa_type=Json, sa_column_kwargs=PERSONAL)
    """What its inputs came to; a rerun gets the same."""
    reason: SkipReason | None = Field(default=None, sa_type=enum_column(SkipReason, "skip_reason"))
    deadline_at: datetime | None = None
    """Until when somebody must have decided about it."""
    is_partial: bool | None = None
    """Whether some of its items failed, although it is a success."""
    reported_by: UUID | None = None
    """The account or the API key that changed it last."""
