"""The table of inboxes."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from stationmaster.db.base import PERSONAL, Table, enum_column
from stationmaster.domains.notifications.notice import MAX_TITLE, Severity
from stationmaster.kit import clock

_IS_UNREAD = sa.text("read_at IS NULL")


class Notification(Table, table=True):
    """One notice in one person's inbox. What it is about may be gone already, so those are no foreign keys."""

    __tablename__ = "notifications"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "dedupe_key"),
        sa.Index("ix_notifications_inbox", "user_id", "id"),
        sa.Index("ix_notifications_unread", "user_id", "id", sqlite_where=_IS_UNREAD, postgresql_where=_IS_UNREAD),
    )

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    topic: str = Field(max_length=64)
    severity: Severity = Field(sa_type=enum_column(Severity, "severity"))
    title: str = Field(max_length=MAX_TITLE, sa_column_kwargs=PERSONAL)
    message: str = Field(sa_type=sa.Text, sa_column_kwargs=PERSONAL)
    link: str | None = Field(default=None, max_length=500)
    job_id: UUID | None = None
    execution_id: UUID | None = None
    check_id: UUID | None = None
    dedupe_key: str = Field(max_length=200)
    created_at: datetime = Field(default_factory=clock.now)
    read_at: datetime | None = None
