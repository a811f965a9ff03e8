"""The table of uploaded files."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from stationmaster.db.base import PERSONAL, Table
from stationmaster.db.blobs import DIGEST_LENGTH
from stationmaster.kit import clock


class File(Table, table=True):
    """One upload. Files never change: a new content is a new file."""

    __tablename__ = "files"
    __table_args__ = (sa.Index("ix_files_owner", "owner_id", "id"), sa.Index("ix_files_digest", "digest"))

    owner_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    name: str = Field(max_length=255, sa_column_kwargs=PERSONAL)
    media_type: str = Field(max_length=127)
    """As the uploader declared it."""
    size_bytes: int = Field(sa_type=sa.BigInteger)
    digest: str = Field(max_length=DIGEST_LENGTH, foreign_key="blobs.digest")
    created_at: datetime = Field(default_factory=clock.now)
