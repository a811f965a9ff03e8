"""Telling people about a job: its owner, and its team."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.notifications import service as notifications
from stationmaster.domains.notifications.notice import About, Notice, Severity, Topic
from stationmaster.domains.taxonomy import service as taxonomy

LINK = "/api/v1/jobs/{id}"


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
) -> None:
    """Tell the people of a job something, in this transaction, and once for each `key`."""
    team = await taxonomy.get_team(session, team_id) if team_id else None
    members = await taxonomy.list_members(session, team.id) if team else []
    notice = Notice(
        topic,
        title,
        text,
        dedupe_key=key,
        severity=Severity.WARNING,
        link=LINK.format(id=job_id),
        about=About(job_id=job_id),
    )
    people = {*members, *([owner_id] if owner_id else [])}
    await notifications.tell(session, notice, users=people, slack_mention=team.slack_handle if team else None)
