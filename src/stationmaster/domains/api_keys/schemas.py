"""What the API takes and gives about API keys."""

from datetime import datetime
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from stationmaster.domains.api_keys.models import ApiKey
from stationmaster.domains.api_keys.stats import UsageStats
from stationmaster.domains.users.schemas import maybe
from stationmaster.identity.actor import Role
from stationmaster.web.schema import Input, Instant, Output, ShortText

Scope = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z-]+:(read|write)$")]
KeyName = Annotated[ShortText, Field(max_length=100, examples=["nightly import"])]
KeyDescription = Annotated[
    str, StringConstraints(max_length=500), Field(examples=["Reports runs from the old server."])
]

KEY_EXAMPLE = "sm_Ab3dE6gH_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2yZ3aB4cD5eF"


class ApiKeyCreate(Input):
    """A new key of your own."""

    name: KeyName
    description: KeyDescription | None = None
    role: Role | None = Field(
        None, description="At most your own; `user` (or your own, if that is less) when left out.", examples=["viewer"]
    )
    scopes: list[Scope] | None = Field(
        None,
        max_length=100,
        description="Narrows the key to `<resource>:read` and `<resource>:write`, the resource being the first part of "
        "the path. Left out or null: all that the role may do.",
        examples=[["jobs:read", "executions:read"]],
    )
    expires_at: Instant | None = Field(
        None, description="In a year when left out, in five at most (both are settings)."
    )


class ApiKeyPatch(Input):
    """The fields to change; absent ones stay."""

    name: KeyName = maybe()
    description: KeyDescription | None = None
    is_active: bool = maybe(description="False refuses the key until it is true again.")


class Rotation(Input):
    """How to change over."""

    overlap_seconds: float | None = Field(
        None, ge=0, le=30 * 86_400, description="How long the present key goes on; a day by default (a setting)."
    )


class ApiKeyRead(Output):
    """A key, without what makes it work."""

    volatile: ClassVar[frozenset[str]] = frozenset({"usage_count", "last_used_at", "updated_at"})

    id: UUID
    user_id: UUID = Field(description="Its owner, for whom it acts.")
    name: str = Field(examples=["nightly import"])
    description: str | None = Field(examples=["Reports runs from the old server."])
    role: Role = Field(description="Its own role; in force is the lesser of this and its owner's present one.")
    scopes: list[str] | None = Field(examples=[["jobs:read"]])
    key_prefix: str = Field(description="The part by which you recognise it.", examples=["sm_Ab3dE6gH"])
    is_active: bool
    expires_at: datetime
    old_expires_at: datetime | None = Field(description="Until when the key before the last rotation goes on.")
    usage_count: int = Field(description="Calls so far; written every few seconds.")
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls.model_validate(key)


class ApiKeySecret(ApiKeyRead):
    """A key with its text, which is shown this once."""

    volatile: ClassVar[frozenset[str]] = ApiKeyRead.volatile | {"key"}

    key: str = Field(description="Send it as `X-API-Key`. It cannot be read again.", examples=[KEY_EXAMPLE])

    @classmethod
    def with_text(cls, key: ApiKey, text: str) -> Self:
        return cls(**ApiKeyRead.of(key).model_dump(), key=text)


class EndpointUsage(Output):
    """Calls of one operation."""

    endpoint: str = Field(examples=["GET /api/v1/jobs"])
    count: int


class UsageRead(Output):
    """How much a key was used; days are UTC."""

    usage_count: int
    last_used_at: datetime | None
    daily_usage: int = Field(description="Calls today.")
    weekly_usage: int = Field(description="Calls in the last seven days, today included.")
    top_endpoints: list[EndpointUsage] = Field(description="The ten operations called most.")

    @classmethod
    def of(cls, stats: UsageStats) -> Self:
        top = [EndpointUsage(endpoint=endpoint, count=count) for endpoint, count in stats.top_endpoints]
        return cls(**{**vars(stats), "top_endpoints": top})
