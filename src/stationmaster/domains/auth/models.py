"""The tables of sessions, their refresh tokens, mailed tokens, and failed logins."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import PERSONAL, Table, enum_column
from stationmaster.kit import clock


class EndReason(StrEnum):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    REUSE = "reuse"


class UserSession(Table, table=True):
    """A login and all tokens that came from it; `user_version` is the account's `version` at the time."""

    __tablename__ = "sessions"
    __table_args__ = (sa.Index("ix_sessions_user", "user_id", "id"), sa.Index("ix_sessions_expires_at", "expires_at"))

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    user_version: int
    created_at: datetime = Field(default_factory=clock.now)
    last_used_at: datetime = Field(default_factory=clock.now)
    expires_at: datetime
    ended_at: datetime | None = None
    end_reason: EndReason | None = Field(default=None, sa_type=enum_column(EndReason, "end_reason"))
    device_info: str = Field(default="", max_length=500, sa_column_kwargs=PERSONAL)


class RefreshToken(Table, table=True):
    """One link of a session's chain: unused, used (`used_at`), or taken back unused (`voided_at`)."""

    __tablename__ = "refresh_tokens"

    session_id: UUID = Field(foreign_key="sessions.id", ondelete="CASCADE", index=True)
    token_hash: str = Field(max_length=64, unique=True)
    predecessor_id: UUID | None = None
    created_at: datetime = Field(default_factory=clock.now)
    expires_at: datetime
    used_at: datetime | None = None
    voided_at: datetime | None = None


class LoginFailures(SQLModel, table=True):
    """Failed logins in a row of one subject: an account, or a name that no account has (see `lockout`)."""

    __tablename__ = "login_failures"

    subject: str = Field(primary_key=True, max_length=64)
    count: int
    last_failed_at: datetime = Field(index=True)
    locked_until: datetime | None = None


class Purpose(StrEnum):
    """What a mailed token lets its holder do."""

    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # the name of a purpose


class AccountToken(Table, table=True):
    """A single-use token sent by mail; `email` is the address it proves."""

    __tablename__ = "account_tokens"
    __table_args__ = (sa.Index("ix_account_tokens_user", "user_id", "purpose"),)

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    purpose: Purpose = Field(sa_type=enum_column(Purpose, "purpose"))
    email: str = Field(max_length=254, sa_column_kwargs=PERSONAL)
    token_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = Field(default_factory=clock.now)
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None


class MailRequest(SQLModel, table=True):
    """When a mail was last asked for, by the digest of purpose and address: known addresses and unknown ones alike.

    `email` is there until the request was worked off (see `mail_clerk`).
    """

    __tablename__ = "mail_requests"
    __table_args__ = (
        sa.Index(
            "ix_mail_requests_waiting",
            "requested_at",
            sqlite_where=sa.text("email IS NOT NULL"),
            postgresql_where=sa.text("email IS NOT NULL"),
        ),
    )

    subject: str = Field(primary_key=True, max_length=64)
    purpose: Purpose = Field(sa_type=enum_column(Purpose, "purpose"))
    requested_at: datetime = Field(index=True)
    email: str | None = Field(default=None, max_length=254, sa_column_kwargs=PERSONAL)
