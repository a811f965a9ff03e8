"""What lists of calendars show, and what they can be narrowed to and sorted by."""

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.jobs.calendars.models import Calendar
from stationmaster.domains.jobs.calendars.schemas import CalendarOut
from stationmaster.web.items import Item

_calendars = table_of(Calendar)

CALENDARS = Resource(
    "calendars",
    key=field("id", _calendars.c.id),
    fields=(
        field("name", _calendars.c.name),
        field("owner_id", _calendars.c.owner_id),
        field("created_at", _calendars.c.created_at),
        field("updated_at", _calendars.c.updated_at),
    ),
)


class CalendarItem(CalendarOut, Item):
    """A calendar in a list; `exclude` may leave out any field."""
