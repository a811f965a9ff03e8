"""What the list of accounts shows, and what it can be narrowed to and sorted by."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.users.models import User
from stationmaster.domains.users.schemas import UserRead
from stationmaster.web.items import Item
from stationmaster.web.schema import Output

_users = table_of(User)

USERS = Resource(
    "users",
    key=field("id", _users.c.id),
    fields=(
        field("email", _users.c.email),
        field("username", _users.c.username),
        field("name", _users.c.name),
        field("role", _users.c.role),
        field("country", _users.c.country),
        field("institution", _users.c.institution),
        field("is_active", _users.c.is_active),
        field("is_verified", _users.c.email_verified_at.is_not(None)),
        field("is_approved", _users.c.approved_at.is_not(None)),
        field("email_verified_at", _users.c.email_verified_at),
        field("last_login_at", _users.c.last_login_at),
        field("created_at", _users.c.created_at),
        field("updated_at", _users.c.updated_at),
    ),
)


class OwnedScriptOut(Output):
    """A script, as the list of accounts shows it beside its owner."""

    id: UUID
    slug: str = Field(examples=["monthly-ndvi"])
    name: str = Field(examples=["Monthly NDVI"])
    category: str | None = Field(examples=["vegetation"])
    status: str = Field(description="Of the newest version.", examples=["SUCCESS"])
    public: bool
    version: int | None = Field(description="The version that runs; null while none can.")
    created_at: datetime
    updated_at: datetime


ReadScripts = Callable[[AsyncSession, Collection[UUID]], Awaitable[dict[UUID, list[OwnedScriptOut]]]]
"""Reads the newest scripts of accounts; handed in, since scripts stand in a room above."""


class UserItem(UserRead, Item):
    """An account in a list; `include` adds the last field, `exclude` may leave out any."""

    scripts: list[OwnedScriptOut] | None = Field(None, description="The 50 newest scripts that the account owns.")


class PersonOut(Output):
    """Whom something belongs to."""

    id: UUID
    name: str | None = Field(description="For administrators and oneself.", examples=["Ada Lovelace"])
    email: str | None = Field(description="For administrators and oneself.", examples=["ada@example.com"])
