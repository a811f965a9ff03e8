"""What the API gives about an inbox."""

from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from pydantic import Field

from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.notice import Severity, Topic
from stationmaster.web.schema import Output


class NotificationOut(Output):
    """A notice in your inbox."""

    volatile: ClassVar[frozenset[str]] = frozenset()

    id: UUID
    user_id: UUID
    topic: Topic = Field(description="What it tells of.", examples=["job_failed"])
    type: Severity = Field(description="How much it matters.", examples=["error"])
    title: str = Field(examples=["nightly failed"])
    message: str = Field(examples=["The execution of nightly planned for 2026-11-21 01:00 UTC failed: exit code 2."])
    link: str | None = Field(
        description="Path of what it is about.", examples=["/api/v1/executions/0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e"]
    )
    job_id: UUID | None
    execution_id: UUID | None
    check_id: UUID | None
    is_read: bool
    read_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, entry: Notification) -> Self:
        facts = entry.model_dump(exclude={"severity", "dedupe_key"})
        return cls(**facts, type=entry.severity, is_read=entry.read_at is not None)


class UnreadCountOut(Output):
    unread_count: int = Field(examples=[3])


class UpdatedCountOut(Output):
    updated_count: int = Field(description="How many were unread.", examples=[3])
