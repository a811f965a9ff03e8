"""The tables of scripts, their versions, and who may use them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import Json, Table, TimedTable, enum_column
from stationmaster.db.blobs import DIGEST_LENGTH
from stationmaster.identity.actor import Role
from stationmaster.kit import clock


class Status(StrEnum):
    """How far a version has come."""

    PENDING = "PENDING"
    """Its image waits to be built."""
    BUILDING = "BUILDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


class Origin(StrEnum):
    """How a version was handed in."""

    ARCHIVE = "archive"
    INLINE = "inline"
    IMAGE = "image"


class Script(TimedTable, table=True):
    """A registered script. What is public is open to everybody, and then nobody is listed besides."""

    __tablename__ = "scripts"
    __table_args__ = (sa.Index("ix_scripts_category", "category", "id"),)

    slug: str = Field(max_length=100, unique=True)
    name: str = Field(max_length=255)
    description: str = Field(sa_type=sa.Text)
    category: str | None = Field(default=None, max_length=100)
    owner_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    is_public: bool = False
    status: Status = Field(sa_type=enum_column(Status, "script_status"))
    """Of the newest version."""
    version_count: int = 0
    current_version: int | None = None
    """The version that runs; None while none can."""


class Version(Table, table=True):
    """One version of a script: never changed once it has ended as SUCCESS or FAILED."""

    __tablename__ = "script_versions"
    __table_args__ = (
        sa.UniqueConstraint("script_id", "number"),
        sa.Index("ix_script_versions_digest", "digest"),
        sa.Index(
            "ix_script_versions_unbuilt",
            "status",
            "id",
            sqlite_where=sa.text("status IN ('PENDING', 'BUILDING')"),
            postgresql_where=sa.text("status IN ('PENDING', 'BUILDING')"),
        ),
        sa.CheckConstraint("digest IS NOT NULL OR image IS NOT NULL", name="has_content"),
    )

    script_id: UUID = Field(foreign_key="scripts.id", ondelete="CASCADE")
    number: int
    origin: Origin = Field(sa_type=enum_column(Origin, "script_origin"))
    status: Status = Field(sa_type=enum_column(Status, "script_status"))
    manifest: dict[str, Any] = Field(sa_type=Json)
    digest: str | None = Field(default=None, max_length=DIGEST_LENGTH, foreign_key="blobs.digest")
    """Of its archive."""
    size_bytes: int | None = None
    image: str | None = Field(default=None, max_length=500)
    """The image it refers to, or that was built of its archive."""
    error: str | None = Field(default=None, sa_type=sa.Text)
    created_by: UUID | None = None
    created_at: datetime = Field(default_factory=clock.now)
    finished_at: datetime | None = None


class BuildLine(SQLModel, table=True):
    """A line of what was said while a version was taken in and built."""

    __tablename__ = "script_build_lines"

    version_id: UUID = Field(primary_key=True, foreign_key="script_versions.id", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    at: datetime = Field(default_factory=clock.now)
    text: str = Field(sa_type=sa.Text)


class AllowedUser(SQLModel, table=True):
    """Somebody who may use a script that is not public."""

    __tablename__ = "script_allowed_users"

    script_id: UUID = Field(primary_key=True, foreign_key="scripts.id", ondelete="CASCADE")
    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", index=True)


class AllowedRole(SQLModel, table=True):
    """A role whose holders, and those of every role above it, may use a script that is not public."""

    __tablename__ = "script_allowed_roles"

    script_id: UUID = Field(primary_key=True, foreign_key="scripts.id", ondelete="CASCADE")
    role: Role = Field(primary_key=True, sa_type=enum_column(Role, "role"))
