"""The inbox: told at the moment of the commit, exactly once."""

from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.notify import Wake, notify
from stationmaster.domains.notifications import repository
from stationmaster.domains.notifications.audience import Telling
from stationmaster.domains.notifications.models import Notification


async def post(session: AsyncSession, telling: Telling) -> None:
    """Put a notice into the inbox of each person who wants one."""
    notice = telling.notice
    entries = [
        Notification(
            user_id=person.user_id,
            topic=notice.topic,
            severity=notice.severity,
            title=notice.headline,
            message=notice.body,
            link=notice.link,
            dedupe_key=notice.dedupe_key,
            **asdict(notice.about),
        )
        for person in telling.people
        if person.preferences.browser_notifications
    ]
    if entries:
        await repository.insert(session, entries)
        notify(session, Wake.INBOX, about=[entry.user_id for entry in entries])
