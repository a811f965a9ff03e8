"""What the list of messages can be narrowed to and sorted by."""

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.outbox.models import Message
from stationmaster.domains.outbox.schemas import DeliveryOut
from stationmaster.web.items import Item

_messages = table_of(Message)

DELIVERIES = Resource(
    "deliveries",
    key=field("id", _messages.c.id),
    fields=(
        field("channel", _messages.c.channel),
        field("kind", _messages.c.kind),
        field("recipient", _messages.c.recipient),
        field("user_id", _messages.c.user_id),
        field("state", _messages.c.state),
        field("attempts", _messages.c.attempts),
        field("last_error", _messages.c.last_error),
        field("sent_at", _messages.c.sent_at),
        field("created_at", _messages.c.created_at),
    ),
)


class DeliveryItem(DeliveryOut, Item):
    """A message in a list; `exclude` may leave out any field."""
