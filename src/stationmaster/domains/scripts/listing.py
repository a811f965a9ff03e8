"""What the list of scripts shows, and what it can be narrowed to and sorted by."""

from pydantic import Field

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.scripts.models import Script
from stationmaster.domains.scripts.schemas import ScriptOut
from stationmaster.domains.users.directory import owner_fields
from stationmaster.domains.users.listing import PersonOut
from stationmaster.web.items import Item
from stationmaster.web.schema import JsonObject

_scripts = table_of(Script)

SCRIPTS = Resource(
    "scripts",
    key=field("id", _scripts.c.id),
    fields=(
        field("slug", _scripts.c.slug),
        field("name", _scripts.c.name),
        field("description", _scripts.c.description),
        field("category", _scripts.c.category),
        field("owner_id", _scripts.c.owner_id),
        field("status", _scripts.c.status),
        field("public", _scripts.c.is_public),
        field("version", _scripts.c.current_version),
        field("created_at", _scripts.c.created_at),
        field("updated_at", _scripts.c.updated_at),
        *owner_fields(_scripts.c.owner_id),
    ),
)


class ScriptItem(ScriptOut, Item):
    """A script in a list; `include` adds the last fields, `exclude` may leave out any."""

    user: PersonOut | None = Field(None, description="The owner.")
    user_name: str | None = Field(None, description="The owner's name; for administrators.")
    user_email: str | None = Field(None, description="The owner's e-mail address; for administrators.")
    logs: list[str] | None = Field(None, description="The last 20 lines of the newest build log, for owner and admins.")
    environment: JsonObject | None = Field(None, description="Runtime, image, network and limits together.")
    executions: list[JsonObject] | None = Field(None, description="The ten newest executions that you may see.")
