"""The tables of jobs that run after others."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import Json, Table, enum_column


class On(StrEnum):
    """How the other job must end."""

    SUCCESS = "success"
    FAILURE = "failure"
    ALWAYS = "always"


class Dependency(SQLModel, table=True):
    """A job runs after another one."""

    __tablename__ = "job_dependencies"
    __table_args__ = (sa.Index("ix_job_dependencies_upstream", "upstream_id"),)

    job_id: UUID = Field(foreign_key="jobs.id", ondelete="CASCADE", primary_key=True)
    upstream_id: UUID = Field(foreign_key="jobs.id", primary_key=True)
    on: On = Field(sa_column=sa.Column("on_end", enum_column(On, "on_end"), nullable=False))


class Wave(Table, table=True):
    """One joint run of all that a job depends on: which of them have ended, and what came of it.

    `wave_at` is the planned instant of the first of them. `members` has for each that has ended, by its job's id, the
    execution and whether it ended as it must.
    """

    __tablename__ = "job_waves"
    __table_args__ = (
        sa.Index("ix_job_waves_job", "job_id", "wave_at"),
        sa.Index("ix_job_waves_execution", "execution_id"),
    )

    job_id: UUID = Field(foreign_key="jobs.id", ondelete="CASCADE")
    wave_at: datetime
    members: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    execution_id: UUID | None = None
    """What it set off, or the record that it did not."""
    has_fired: bool = False
    created_at: datetime
