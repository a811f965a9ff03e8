"""The tables of API keys and their use."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import Json, TimedTable, enum_column
from stationmaster.domains.api_keys.key_format import PREFIX
from stationmaster.identity.actor import Role


class ApiKey(TimedTable, table=True):
    """A key as it is stored: `public_id` finds it, `key_hash` proves it. `scopes` None means all that the role may do.

    After a rotation `old_public_id` and `old_key_hash` still count until `old_expires_at`.
    """

    __tablename__ = "api_keys"
    __table_args__ = (sa.Index("ix_api_keys_user", "user_id", "id"),)

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    name: str = Field(max_length=100)
    description: str | None = Field(default=None, max_length=500)
    role: Role = Field(sa_type=enum_column(Role, "role"))
    scopes: list[str] | None = Field(default=None, sa_type=Json)
    public_id: str = Field(max_length=8, unique=True)
    key_hash: str = Field(max_length=64)
    old_public_id: str | None = Field(default=None, max_length=8, unique=True)
    old_key_hash: str | None = Field(default=None, max_length=64)
    old_expires_at: datetime | None = None
    is_active: bool = True
    expires_at: datetime
    usage_count: int = Field(default=0, sa_type=sa.BigInteger)
    last_used_at: datetime | None = None
    expiry_told_at: datetime | None = None
    """When the owner was told last that it expires soon."""

    @property
    def key_prefix(self) -> str:
        """Return the part of the key by which people recognise it."""
        return f"{PREFIX}{self.public_id}"


class ApiKeyUsage(SQLModel, table=True):
    """How often a key called an operation on one day (UTC)."""

    __tablename__ = "api_key_usage"

    api_key_id: UUID = Field(primary_key=True, foreign_key="api_keys.id", ondelete="CASCADE")
    used_on: date = Field(primary_key=True)
    endpoint: str = Field(primary_key=True, max_length=200)
    count: int
