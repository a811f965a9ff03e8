"""The tables of accounts and of what people prefer."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import PERSONAL, Json, TimedTable, enum_column
from stationmaster.identity.actor import Role
from stationmaster.kit import clock


class User(TimedTable, table=True):
    """One person's account.

    `email` is stored in lower case; `username_key` is the user name in lower case. An account without
    `email_verified_at` may only verify, one without `approved_at` waits for an administrator.
    """

    __tablename__ = "users"
    __table_args__ = (
        sa.Index("ix_users_role", "role", "id"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint("version >= 1", name="version"),
    )

    email: str = Field(max_length=254, unique=True, sa_column_kwargs=PERSONAL)
    username: str | None = Field(None, max_length=80, sa_column_kwargs=PERSONAL)
    username_key: str | None = Field(None, max_length=80, unique=True, sa_column_kwargs=PERSONAL)
    name: str = Field(max_length=120, sa_column_kwargs=PERSONAL)
    password_hash: str = Field(max_length=255)
    role: Role = Field(Role.USER, sa_type=enum_column(Role, "role"))
    country: str | None = Field(None, max_length=120, sa_column_kwargs=PERSONAL)
    institution: str | None = Field(None, max_length=200, sa_column_kwargs=PERSONAL)
    is_active: bool = True
    email_verified_at: datetime | None = None
    approved_at: datetime | None = None
    last_login_at: datetime | None = None
    version: int = 1

    @property
    def is_verified(self) -> bool:
        return self.email_verified_at is not None

    @property
    def is_approved(self) -> bool:
        return self.approved_at is not None


class Preferences(SQLModel, table=True):
    """What a person wants to see and to be told; no row means the defaults."""

    __tablename__ = "user_preferences"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    ui: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    email_on_job_success: bool = False
    email_on_job_failure: bool = True
    email_on_job_disabled: bool = True
    email_on_account_activity: bool = True
    browser_notifications: bool = True
    daily_digest: bool = False
    weekly_report: bool = False
    updated_at: datetime = Field(default_factory=clock.now, sa_column_kwargs={"onupdate": clock.now})
