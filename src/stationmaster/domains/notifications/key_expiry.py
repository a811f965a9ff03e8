"""Telling people that an API key of theirs is about to expire: two weeks before, and three days before."""

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.api_keys import expiry
from stationmaster.domains.api_keys.models import ApiKey
from stationmaster.domains.notifications import service
from stationmaster.domains.notifications.notice import Notice, Severity, Topic
from stationmaster.kit.instants import format_instant


async def remind(session: AsyncSession) -> int:
    """Tell the owners of keys for which it is time; return how many keys there were."""
    due = await expiry.take_due(session)
    for key in due:
        await service.tell(session, _notice(key), users=[key.user_id])
    return len(due)


def _notice(key: ApiKey) -> Notice:
    until = format_instant(key.expires_at)
    return Notice(
        Topic.API_KEY_EXPIRES,
        title=f"The API key {key.name} expires soon",
        text=f"The API key {key.name} ({key.key_prefix}...) is refused from {until} on. Make a new one for whatever uses it.",
        dedupe_key=f"api_key_expires:{key.id}:{key.expiry_told_at:%Y%m%d%H%M%S%f}",
        severity=Severity.WARNING,
        link=f"/api/v1/api-keys/{key.id}",
    )
