"""Telling that a check went down, came back, or is still down."""

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.checks.models import Check, CheckState
from stationmaster.domains.notifications import service as notifications
from stationmaster.domains.notifications.notice import About, Notice, Severity, Topic
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.kit.instants import format_instant


async def tell_change(session: AsyncSession, check: Check, why: str) -> None:
    """Tell the people of a check what it has come to, once for each change."""
    is_down = check.state is CheckState.DOWN
    since = format_instant(check.state_changed_at)
    topic = Topic.CHECK_DOWN if is_down else Topic.CHECK_UP
    title = f"{check.name} is down" if is_down else f"{check.name} is up again"
    await _tell(session, check, topic, title=title, text=why, key=f"{topic}:{check.id}:{since}")


async def remind(session: AsyncSession, check: Check) -> None:
    """Tell the people of a check that it is still down."""
    assert check.reminded_at is not None
    text = f"{check.name} is down since {format_instant(check.state_changed_at)}. {describe_silence(check)}"
    key = f"check_still_down:{check.id}:{format_instant(check.reminded_at)}"
    await _tell(session, check, Topic.CHECK_DOWN, title=f"{check.name} is still down", text=text, key=key)


def describe_silence(check: Check) -> str:
    """Say what was expected and did not come."""
    last = (
        f"The last sign came at {format_instant(check.last_ping_at)}." if check.last_ping_at else "No sign ever came."
    )
    if check.last_start_at is not None:
        begun = format_instant(check.last_start_at)
        return f"The run that began at {begun} did not end within {check.grace_seconds} seconds. {last}"
    due = f" was due at {format_instant(check.due_at)}" if check.due_at else " was due"
    return f"A sign of life{due} and did not come within {check.grace_seconds} seconds more. {last}"


async def _tell(session: AsyncSession, check: Check, topic: Topic, *, title: str, text: str, key: str) -> None:
    team = await taxonomy.get_team(session, check.team_id) if check.team_id else None
    members = await taxonomy.list_members(session, team.id) if team else []
    notice = Notice(
        topic,
        title,
        text,
        dedupe_key=key,
        severity=Severity.SUCCESS if topic is Topic.CHECK_UP else Severity.ERROR,
        link=f"/api/v1/checks/{check.id}",
        about=About(check_id=check.id, job_id=check.job_id),
    )
    people = {*members, *([check.owner_id] if check.owner_id else [])}
    mention = team.slack_handle if team else None
    await notifications.tell(session, notice, users=people, emails=check.emails, slack_mention=mention)
