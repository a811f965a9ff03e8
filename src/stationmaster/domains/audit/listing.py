"""What lists of audit log entries can be narrowed to and sorted by."""

from stationmaster.db.listing import Resource, field
from stationmaster.domains.audit.schemas import AuditLogOut
from stationmaster.domains.audit.stored import ENTRIES
from stationmaster.web.items import Item

AUDIT_LOGS = Resource(
    "audit logs",
    key=field("id", ENTRIES.c.id),
    fields=(
        field("sequence", ENTRIES.c.sequence),
        field("at", ENTRIES.c.at),
        field("actor_kind", ENTRIES.c.actor_kind),
        field("actor_id", ENTRIES.c.actor_id),
        field("user_id", ENTRIES.c.user_id),
        field("action", ENTRIES.c.action),
        field("resource_type", ENTRIES.c.resource_type),
        field("resource_id", ENTRIES.c.resource_id),
        field("outcome", ENTRIES.c.outcome),
        field("reason", ENTRIES.c.reason),
        field("request_id", ENTRIES.c.request_id),
        field("address", ENTRIES.c.address),
    ),
)


class AuditLogItem(AuditLogOut, Item):
    """An entry in a list; `exclude` may leave out any field."""
