"""The table of work that executions began elsewhere."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import enum_column, partial_index
from stationmaster.domains.executions.external.reference import LONGEST_ID, TaskKind
from stationmaster.kit import clock


class TaskState(StrEnum):
    """What became of a task."""

    RUNNING = "running"
    """Nobody has asked it to stop: its execution goes on."""
    LEFT = "left"
    """Its execution ended by itself, and it may go on."""
    CANCELLING = "cancelling"
    """It is being asked to stop, again and again where need be."""
    CANCELLED = "cancelled"
    ENDED = "ended"
    """It was to be cancelled, and had ended before."""
    GONE = "gone"
    """It was to be cancelled, and the other side does not know it (any more)."""
    NOT_CANCELLED = "not_cancelled"
    """It was to be cancelled, and could not be; the reason says why."""


class ExternalTask(SQLModel, table=True):
    """One task, by its kind and its id there."""

    __tablename__ = "external_tasks"
    __table_args__ = (
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution_id", "kind", "task_id"),
        # What is settled is in neither, so that looking costs nothing however many there have been.
        partial_index("ix_external_tasks_running", "execution_id", where="state = 'running'"),
        partial_index("ix_external_tasks_due", "next_try_at", where="state = 'cancelling'"),
    )

    execution_id: UUID
    kind: TaskKind = Field(sa_type=enum_column(TaskKind, "kind", grows=True))
    task_id: str = Field(max_length=LONGEST_ID)
    attempt: int
    """The attempt that told of it first."""
    state: TaskState = Field(default=TaskState.RUNNING, sa_type=enum_column(TaskState, "state"))
    reason: str | None = Field(default=None, sa_type=sa.Text)
    tries: int = 0
    created_at: datetime = Field(default_factory=clock.now)
    cancel_began_at: datetime | None = None
    next_try_at: datetime | None = None
    settled_at: datetime | None = None
