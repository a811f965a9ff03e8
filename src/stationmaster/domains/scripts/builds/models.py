"""The table of builds under way."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel


class Build(SQLModel, table=True):
    """Who builds a version, until when unless renewed, and how often it was begun. Gone when the version is decided."""

    __tablename__ = "script_builds"

    version_id: UUID = Field(primary_key=True, foreign_key="script_versions.id", ondelete="CASCADE")
    token: UUID
    lease_until: datetime
    begun: int
    """How often it was begun."""
