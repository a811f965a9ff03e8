"""What the list of files shows, and what it can be narrowed to and sorted by."""

from pydantic import Field

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.files.models import File
from stationmaster.domains.files.schemas import FileOut
from stationmaster.domains.users.directory import owner_fields
from stationmaster.domains.users.listing import PersonOut
from stationmaster.web.items import Item

_files = table_of(File)

FILES = Resource(
    "files",
    key=field("id", _files.c.id),
    fields=(
        field("name", _files.c.name),
        field("media_type", _files.c.media_type),
        field("size_bytes", _files.c.size_bytes),
        field("checksum", _files.c.digest),
        field("owner_id", _files.c.owner_id),
        field("created_at", _files.c.created_at),
        *owner_fields(_files.c.owner_id),
    ),
)


class FileItem(FileOut, Item):
    """A file in a list; `include` adds the last fields, `exclude` may leave out any."""

    user: PersonOut | None = Field(None, description="The owner.")
    user_name: str | None = Field(None, description="The owner's name; for administrators.")
    user_email: str | None = Field(None, description="The owner's e-mail address; for administrators.")
