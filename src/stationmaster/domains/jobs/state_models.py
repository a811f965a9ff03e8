"""The tables of what jobs keep between their runs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from stationmaster.db.base import Json


class JobState(SQLModel, table=True):
    """A small document of a job's own."""

    __tablename__ = "job_states"

    job_id: UUID = Field(foreign_key="jobs.id", ondelete="CASCADE", primary_key=True)
    document: dict[str, Any] = Field(sa_type=Json)
    updated_at: datetime
    execution_id: UUID | None = None
    """The execution that wrote it; None when a person did."""


class JobStateDraft(SQLModel, table=True):
    """What a running execution wants to leave: it counts when that ends well."""

    __tablename__ = "job_state_drafts"

    execution_id: UUID = Field(primary_key=True)
    job_id: UUID = Field(foreign_key="jobs.id", ondelete="CASCADE", index=True)
    document: dict[str, Any] = Field(sa_type=Json)
