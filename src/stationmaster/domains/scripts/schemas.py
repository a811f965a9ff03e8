"""Scripts as the API takes and shows them."""

from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from stationmaster.domains.scripts.access import AccessType
from stationmaster.domains.scripts.manifest import Category, Manifest, Slug
from stationmaster.domains.scripts.models import Origin, Status
from stationmaster.identity.actor import Role
from stationmaster.kit.image_name import IMAGE
from stationmaster.web.schema import Input, Instant, JsonObject, LongText, Output, ShortText

LONGEST_SOURCE = 500_000

Image = Annotated[str, StringConstraints(pattern=IMAGE, max_length=500)]


class ScriptIn(Manifest):
    """A script without an archive: an image that is there already, or a source text."""

    image: Image | None = Field(None, description="Image to run.", examples=["registry.example.com/reports:1.4"])
    source: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SOURCE)] | None = Field(
        None, description="Text of the program; it becomes the file that `entrypoint` starts."
    )

    @model_validator(mode="before")
    @classmethod
    def _default_by_kind(cls, given: Any) -> Any:
        """An image is run in a container, with no arguments of ours, unless something else is said."""
        if isinstance(given, dict) and given.get("image") is not None:
            return {"runtime": "docker", "entrypoint": []} | given
        return given

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if (self.image is None) == (self.source is None):
            raise ValueError("give an `image` or a `source`; an archive is sent as multipart form data")
        if self.image is not None and self.runtime != "docker":
            raise ValueError("an image runs in `docker`")
        if self.source is not None and self.runtime != "sandbox":
            raise ValueError("a source runs in the `sandbox`; send an archive to have an image built")
        return self


class ScriptPatch(Input):
    """Changes of a script; what is left out stays. How it runs is changed by a new version."""

    name: ShortText | None = Field(None, description="What people call it.")
    slug: Slug | None = Field(None, description="Its short name; whoever uses the old one no longer finds it.")
    description: LongText | None = Field(None, description="What it does.")
    category: Category | None = Field(None, description="Where it stands in the catalog; null for nowhere.")
    version: int | None = Field(
        None, ge=1, description="Make this version the current one: a step back, or forth again."
    )

    @model_validator(mode="after")
    def _refuse_null(self) -> Self:
        for name in self.model_fields_set - {"category"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        return self


class ScriptOut(Output):
    """A script, and how its current version is run."""

    volatile: ClassVar[frozenset[str]] = frozenset({"updated_at", "status"})

    id: UUID
    slug: str = Field(examples=["filter-products"])
    name: str = Field(examples=["Filter products"])
    description: str = Field(examples=["Keeps the products that changed."])
    category: str | None = Field(examples=["data_processing"])
    owner_id: UUID | None
    status: Status = Field(description="Of the newest version.")
    version: int | None = Field(description="Number of the version that runs; null while none can.", examples=[1])
    newest_version: int = Field(description="Number of the newest version.", examples=[1])
    error: str | None = Field(description="Why the newest version failed; for its owner and admins.", examples=[None])
    runtime: str = Field(examples=["sandbox"])
    image: str | None = Field(description="The image that runs, for its owner and admins.", examples=[None])
    entrypoint: list[str] = Field(examples=[["main.py"]])
    parameters: JsonObject = Field(description="JSON Schema of its parameters.")
    secrets: list[str] = Field(description="Variables in which it finds secrets.")
    credential: str | None = Field(description="Secret by which its image is fetched.", examples=[None])
    outputs: list[str] = Field(description="Files that are kept as artifacts.")
    cpu_reservation: float | None
    cpu_limit: float | None
    memory_reservation: int | None
    memory_limit: int | None
    timeout_seconds: float = Field(examples=[300])
    network: str = Field(examples=["none"])
    progress_pattern: str | None = Field(examples=[r"Progress: ([0-9.]+)%"])
    estimated_duration_seconds: float | None
    destructive: bool = Field(description="Whether a run needs `confirm`.", examples=[False])
    public: bool = Field(description="Whether everybody may use it.", examples=[False])
    restricted: bool = Field(
        description="Whether it is open to those who are listed, and to nobody else.", examples=[False]
    )
    allowed_roles: list[Role] | None = Field(description="For its owner and admins.")
    allowed_users: list[UUID] | None = Field(description="For its owner and admins.")
    created_at: Instant
    updated_at: Instant


class VersionOut(Output):
    """One version of a script."""

    volatile: ClassVar[frozenset[str]] = frozenset({"is_current"})

    id: UUID
    number: int = Field(examples=[1])
    origin: Origin
    status: Status
    is_current: bool = Field(description="Whether it is the one that runs.", examples=[True])
    error: str | None = Field(description="Why it failed.", examples=[None])
    digest: str | None = Field(description="SHA-256 of its archive.", examples=["9f86d081884c7d659a2feaa0c55ad015"])
    size_bytes: int | None = Field(description="Size of its archive.", examples=[2048])
    image: str | None = Field(description="The image that runs.", examples=[None])
    manifest: JsonObject
    created_by: UUID | None
    created_at: Instant
    finished_at: Instant | None


class BuildLineOut(Output):
    """A line of a build log."""

    number: int
    at: Instant
    text: str


class CatalogEntry(Output):
    """A script as those see it who look for one to run."""

    id: UUID
    slug: str
    name: str
    description: str
    parameters: JsonObject
    estimated_duration_seconds: float | None
    destructive: bool
    may_run: bool = Field(description="Whether you may run it, and it can be run.")


class CatalogCategory(Output):
    """The scripts of one category."""

    category: str | None = Field(description="Null for scripts without one.", examples=["data_processing"])
    scripts: list[CatalogEntry]


class Catalog(Output):
    """All scripts that you may see, by category."""

    categories: list[CatalogCategory]


class AccessOut(Output):
    """Whom a script is open to."""

    access_type: AccessType = Field(examples=["owner_only"])
    public: bool
    restricted: bool
    allowed_roles: list[Role]
    allowed_users: list[UUID]


class RolesIn(Input):
    """The roles that may use a script."""

    roles: list[Role] = Field(max_length=4, examples=[["user"]], description="Holders of a higher role may, too.")


class UsersIn(Input):
    """The people who may use a script."""

    users: list[UUID] = Field(max_length=1000, description="Ids of accounts.")


def manifest_facts(manifest: Manifest) -> dict[str, Any]:
    """Return what a version keeps of its manifest: how it runs, without what belongs to the script as a whole."""
    kept = set(Manifest.model_fields) - {"slug"}
    return manifest.model_dump(mode="json", by_alias=True, exclude_unset=True, include=kept) | {"name": manifest.name}
