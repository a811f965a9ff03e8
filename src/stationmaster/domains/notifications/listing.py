"""What an inbox can be narrowed to and sorted by."""

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.schemas import NotificationOut
from stationmaster.web.items import Item

_notifications = table_of(Notification)

NOTIFICATIONS = Resource(
    "notifications",
    key=field("id", _notifications.c.id),
    fields=(
        field("topic", _notifications.c.topic),
        field("type", _notifications.c.severity),
        field("title", _notifications.c.title),
        field("message", _notifications.c.message),
        field("job_id", _notifications.c.job_id),
        field("execution_id", _notifications.c.execution_id),
        field("check_id", _notifications.c.check_id),
        field("is_read", _notifications.c.read_at.is_not(None)),
        field("read_at", _notifications.c.read_at),
        field("created_at", _notifications.c.created_at),
    ),
)


class NotificationItem(NotificationOut, Item):
    """A notice in a list; `exclude` may leave out any field."""
