"""The tables of the audit log. Their rows cannot be changed: triggers in the migration see to it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import Table, enum_column
from stationmaster.kit import clock

DIGEST_LENGTH = 64
"""Hexadecimal digits of SHA-256."""


class ActorKind(StrEnum):
    """What called."""

    USER = "user"
    API_KEY = "api_key"
    OPERATOR = "operator"
    """Somebody at the command line of the machine."""
    ANONYMOUS = "anonymous"


class Outcome(StrEnum):
    """How it ended."""

    SUCCESS = "success"
    DENIED = "denied"
    """The caller was known and has not the right (403)."""
    FAILED = "failed"
    """The caller's password, token or key does not count (401)."""


class AuditLog(Table, table=True):
    """One operation that changed something, or was refused.

    `before` and `after` are JSON texts and not JSON columns: the chain covers the very bytes that are stored.
    """

    __tablename__ = "audit_logs"
    __table_args__ = (
        sa.Index("ix_audit_logs_at", "at", "id"),
        sa.Index("ix_audit_logs_user", "user_id", "at", "id"),
        sa.Index("ix_audit_logs_action", "action", "at", "id"),
        sa.Index("ix_audit_logs_resource", "resource_type", "resource_id", "at", "id"),
        sa.Index("ix_audit_logs_outcome", "outcome", "at", "id"),
        sa.CheckConstraint("(sequence IS NULL) = (digest IS NULL)", name="sealed_whole"),
    )

    at: datetime = Field(default_factory=clock.now)
    actor_kind: ActorKind = Field(sa_type=enum_column(ActorKind, "actor_kind"))
    actor_id: UUID | None = None
    """The account or the API key; without a foreign key, as entries outlive both."""
    user_id: UUID | None = None
    """The account that called, or whose key did."""
    session_id: UUID | None = None
    action: str = Field(max_length=100)
    """The operation's id, such as `create_job`."""
    resource_type: str | None = Field(default=None, max_length=64)
    resource_id: str | None = Field(default=None, max_length=255)
    outcome: Outcome = Field(sa_type=enum_column(Outcome, "outcome"))
    reason: str | None = Field(default=None, max_length=64)
    """Kind of problem, when it was refused."""
    request_id: str | None = Field(default=None, max_length=64)
    address: str | None = Field(default=None, max_length=45)
    """The network that the caller's address lies in."""
    before: str | None = Field(default=None, sa_type=sa.Text)
    after: str | None = Field(default=None, sa_type=sa.Text)

    sequence: int | None = Field(default=None, sa_type=sa.BigInteger, unique=True)
    """Its place in the chain, from 1 without gaps; None until it is sealed (the unique index finds those, too)."""
    digest: str | None = Field(default=None, max_length=DIGEST_LENGTH)
    """HMAC over its place and all columns above."""


class AuditSeal(SQLModel, table=True):
    """A batch of entries, closed for good and chained to the batch before."""

    __tablename__ = "audit_seals"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    first_sequence: int = Field(sa_type=sa.BigInteger)
    last_sequence: int = Field(sa_type=sa.BigInteger)
    root: str = Field(max_length=DIGEST_LENGTH)
    """SHA-256 over the digests of its entries, in order."""
    previous: str = Field(max_length=DIGEST_LENGTH)
    """The digest of the seal before; zeros for the first."""
    key_id: str = Field(max_length=8)
    sealed_at: datetime
    digest: str = Field(max_length=DIGEST_LENGTH)
    """HMAC over all columns above."""


class AuditCheckpoint(SQLModel, table=True):
    """Where the chain begins after retention has removed what was before: the last seal that is gone, signed once more."""

    __tablename__ = "audit_checkpoints"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """Of that seal."""
    last_sequence: int = Field(sa_type=sa.BigInteger)
    seal_digest: str = Field(max_length=DIGEST_LENGTH)
    key_id: str = Field(max_length=8)
    made_at: datetime
    digest: str = Field(max_length=DIGEST_LENGTH)
    """HMAC over all columns above."""
