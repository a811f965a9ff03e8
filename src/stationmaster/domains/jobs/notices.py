"""Telling people about a job: its owner, and its team."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.notifications import service as notifications
from stationmaster.domains.notifications.notice import About, Notice, Severity, Topic
from stationmaster.domains.taxonomy import service as taxonomy

LINK = "/api/v1/jobs/{id}"
EXECUTION_LINK = "/api/v1/executions/{id}"


async def tell(
    session: AsyncSession,
    topic: Topic,
    *,
    job_id: UUID,
    owner_id: UUID | None,
    team_id: UUID | None,
    title: str,
    text: str,
    key: str,
    severity: Severity = Severity.WARNING,
    emails: Sequence[str] = (),
    execution_id: UUID | None = None,
) -> None:
    """Tell the people of a job something, in this transaction, and once for each `key`; `emails` are told besides."""
    team = await taxonomy.get_team(session, team_id) if team_id else None
    members = await taxonomy.list_members(session, team.id) if team else []
    notice = Notice(
        topic,
        title,
        text,
        dedupe_key=key,
        severity=severity,
        link=EXECUTION_LINK.format(id=execution_id) if execution_id else LINK.format(id=job_id),
        about=About(job_id=job_id, execution_id=execution_id),
    )
    people = {*members, *([owner_id] if owner_id else [])}
    mention = team.slack_handle if team else None
    await notifications.tell(session, notice, users=people, emails=emails, slack_mention=mention)
