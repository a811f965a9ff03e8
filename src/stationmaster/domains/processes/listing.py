"""What lists of processes show, and what they can be narrowed to and sorted by."""

from pydantic import Field

from stationmaster.db.base import table_of
from stationmaster.db.listing import Document, Resource, field
from stationmaster.domains.processes.models import Process
from stationmaster.domains.processes.schemas import ProcessOut
from stationmaster.domains.users.directory import owner_fields
from stationmaster.domains.users.listing import PersonOut
from stationmaster.web.items import Item

_processes = table_of(Process)

PROCESSES = Resource(
    "processes",
    key=field("id", _processes.c.id),
    fields=(
        field("name", _processes.c.name),
        field("description", _processes.c.description),
        field("owner_id", _processes.c.owner_id),
        field("retention_months", _processes.c.retention_months),
        field("version", _processes.c.version),
        field("created_at", _processes.c.created_at),
        field("updated_at", _processes.c.updated_at),
        field("deleted_at", _processes.c.deleted_at),
        Document("meta", _processes.c.meta, alias="metadata"),
        *owner_fields(_processes.c.owner_id),
    ),
)


class ProcessItem(ProcessOut, Item):
    """A process in a list; `include` adds the last fields, `exclude` may leave out any."""

    user: PersonOut | None = Field(None, description="The owner.")
    user_name: str | None = Field(None, description="The owner's name; for administrators.")
    user_email: str | None = Field(None, description="The owner's e-mail address; for administrators.")
