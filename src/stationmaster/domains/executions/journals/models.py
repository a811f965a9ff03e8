"""The tables of journals: one row for each execution that said something, and its chunks."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import Json, sealed
from stationmaster.kit import clock

MASKS_ROW = "journal {execution_id}"
"""To what `masks` are sealed."""


class Journal(SQLModel, table=True):
    """Gives an execution's entries their numbers, and tells how far its attempt under way has been read."""

    __tablename__ = "journals"
    __table_args__ = (sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="CASCADE"),)

    execution_id: UUID = Field(primary_key=True)
    attempt: int = 0
    batch: int = 0
    """The last batch of the attempt; one that is sent again is known by its number."""
    last_sequence: int = Field(default=0, sa_type=sa.BigInteger)
    size_bytes: int = Field(default=0, sa_type=sa.BigInteger)
    """Of the chunks that are kept."""
    forgotten: int = Field(default=0, sa_type=sa.BigInteger)
    """Entries that are not kept."""
    consumed: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """Lines of each stream of the attempt's source that are in here."""
    result: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """What the attempt reported last as its result."""
    masks: str | None = Field(default=None, sa_type=sa.Text, sa_column_kwargs=sealed(row=MASKS_ROW))
    """What must be hidden in its reports, while it runs (`journals.masks`)."""
    updated_at: datetime = Field(default_factory=clock.now)


class JournalChunk(SQLModel, table=True):
    """Entries that were stored together, numbered from `first_sequence` to `last_sequence`; never changed."""

    __tablename__ = "journal_chunks"
    __table_args__ = (
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution_id", "first_sequence"),
    )

    execution_id: UUID
    first_sequence: int = Field(sa_type=sa.BigInteger)
    last_sequence: int = Field(sa_type=sa.BigInteger)
    attempt: int
    lines: int
    """How many of the entries are output."""
    size_bytes: int
    body: str = Field(sa_type=sa.Text)
    """See `entry.encode`."""
