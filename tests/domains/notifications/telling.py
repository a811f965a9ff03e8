"""Telling something in a test, and reading what came of it."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.notifications import service
from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.notice import Notice, Severity, Topic
from stationmaster.domains.outbox.models import Message

FAILED = Notice(
    topic=Topic.JOB_FAILED,
    title="nightly failed",
    text="It failed: exit code 2.",
    dedupe_key="job_failed:1",
    severity=Severity.ERROR,
    link="/api/v1/executions/1",
)


def notice(key: str, topic: Topic = Topic.JOB_FAILED) -> Notice:
    """Make a notice of its own."""
    return replace(FAILED, dedupe_key=key, topic=topic, title=f"title of {key}")


async def tell(
    database: Database,
    told: Notice = FAILED,
    *,
    users: Iterable[UUID] = (),
    emails: Iterable[str] = (),
    slack_mention: str | None = None,
) -> None:
    """Tell in a transaction of its own."""
    async with unit_of_work(database) as session:
        await service.tell(session, told, users=users, emails=emails, slack_mention=slack_mention)


async def read_inboxes(database: Database) -> list[Notification]:
    """Return all entries of all inboxes, in the order in which they were told."""
    async with read_only(database) as session:
        return list(await session.scalars(select(Notification).order_by(col(Notification.id))))


async def read_messages(database: Database) -> list[Message]:
    """Return everything in the outbox, by recipient."""
    async with read_only(database) as session:
        return list(await session.scalars(select(Message).order_by(col(Message.channel), col(Message.recipient))))
