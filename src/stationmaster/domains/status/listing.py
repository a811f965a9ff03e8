"""What the status log can be narrowed to and sorted by."""

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.status.models import StatusEntry
from stationmaster.domains.status.schemas import StatusOut
from stationmaster.web.items import Item

_log = table_of(StatusEntry)

STATUS = Resource(
    "status",
    key=field("id", _log.c.id),
    fields=tuple(field(column.name, column) for column in _log.c if column.name != "id"),
)


class StatusItem(StatusOut, Item):
    """An entry in a list; `exclude` may leave out any field."""
