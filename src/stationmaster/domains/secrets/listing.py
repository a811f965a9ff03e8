"""What the list of secrets shows, and what it can be narrowed to and sorted by."""

from pydantic import Field

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.secrets.models import Secret
from stationmaster.domains.secrets.schemas import SecretOut
from stationmaster.domains.users.directory import owner_fields
from stationmaster.domains.users.listing import PersonOut
from stationmaster.web.items import Item

_secrets = table_of(Secret)

SECRETS = Resource(
    "secrets",
    key=field("id", _secrets.c.id),
    fields=(
        field("name", _secrets.c.name),
        field("description", _secrets.c.description),
        field("owner_id", _secrets.c.owner_id),
        field("value_set_at", _secrets.c.value_set_at),
        field("last_used_at", _secrets.c.last_used_at),
        field("created_at", _secrets.c.created_at),
        field("updated_at", _secrets.c.updated_at),
        *owner_fields(_secrets.c.owner_id),
    ),
)


class SecretItem(SecretOut, Item):
    """A secret in a list; `include` adds the last fields, `exclude` may leave out any."""

    user: PersonOut | None = Field(None, description="The owner.")
    user_name: str | None = Field(None, description="The owner's name; for administrators.")
    user_email: str | None = Field(None, description="The owner's e-mail address; for administrators.")
