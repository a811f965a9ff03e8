"""The tables of the definitions."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from stationmaster.db.base import Json, Table, TimedTable, sealed
from stationmaster.kit import clock

_LIVE = sa.text("deleted_at IS NULL")


class Process(TimedTable, table=True):
    """What entities go through. `version` is the number of its present version."""

    __tablename__ = "processes"
    __table_args__ = (
        sa.Index("uq_processes_name", "name", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        sa.Index("ix_processes_owner", "owner_id"),
    )

    name: str = Field(max_length=255)
    description: str | None = Field(default=None, sa_type=sa.Text)
    owner_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    meta: dict[str, Any] = Field(sa_type=Json)
    run_metadata_schema: dict[str, Any] = Field(sa_type=Json)
    retention_months: int | None = None
    version: int
    deleted_at: datetime | None = None
    reopening_after: UUID | None = None
    """While its runs are being taken on after it was restored: the last one that was; see `runs.closing`."""


class Step(TimedTable, table=True):
    """One part of a process, as the present version has it."""

    __tablename__ = "steps"
    __table_args__ = (
        sa.Index("uq_steps_name", "process_id", "name", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        sa.Index("ix_steps_index", "process_id", "index"),
    )

    process_id: UUID = Field(foreign_key="processes.id", ondelete="CASCADE")
    index: int
    name: str = Field(max_length=255)
    description: str | None = Field(default=None, sa_type=sa.Text)
    is_optional: bool = False
    depends_on: list[str] | None = Field(default=None, sa_type=Json)
    """Ids of the steps it waits for; None for the one before it."""
    run_if: str | None = Field(default=None, sa_type=sa.Text)
    work: dict[str, Any] | None = Field(default=None, sa_type=Json, sa_column_kwargs=sealed())
    """What it does, as given; the secrets of its target sealed to this row's id. None when it is reported from outside."""
    approval: dict[str, Any] | None = Field(default=None, sa_type=Json)
    is_rerunnable: bool = False
    rerun_config: dict[str, Any] | None = Field(default=None, sa_type=Json, sa_column_kwargs=sealed())
    deleted_at: datetime | None = None


class ProcessVersion(Table, table=True):
    """The steps of a process as they were from one change to the next; never changed."""

    __tablename__ = "process_versions"
    __table_args__ = (sa.UniqueConstraint("process_id", "number"),)

    process_id: UUID = Field(foreign_key="processes.id", ondelete="CASCADE")
    number: int
    created_at: datetime = Field(default_factory=clock.now)
    steps: list[dict[str, Any]] = Field(sa_type=Json, sa_column_kwargs=sealed(is_nested=True))
    """The columns of its steps, in their order."""
