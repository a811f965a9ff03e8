"""The table of artifacts."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.blobs import DIGEST_LENGTH
from stationmaster.kit import clock


class Artifact(SQLModel, table=True):
    """A file that an execution made and that is kept, by a name that is a label and never a path on our disks."""

    __tablename__ = "artifacts"
    __table_args__ = (
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution_id", "name"),
        sa.Index("ix_artifacts_digest", "digest"),
    )

    execution_id: UUID
    name: str = Field(max_length=255)
    attempt: int
    media_type: str = Field(max_length=127)
    size_bytes: int = Field(sa_type=sa.BigInteger)
    digest: str = Field(max_length=DIGEST_LENGTH, foreign_key="blobs.digest")
    created_at: datetime = Field(default_factory=clock.now)
