"""The tables of secrets and of what they are granted to."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import TimedTable, sealed


class Secret(TimedTable, table=True):
    """A named value, sealed to this row."""

    __tablename__ = "secrets"

    name: str = Field(max_length=100, unique=True)
    description: str = Field(sa_type=sa.Text)
    owner_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    value: str = Field(sa_type=sa.Text, sa_column_kwargs=sealed())
    value_set_at: datetime
    last_used_at: datetime | None = None
    """Written at most once a minute."""


class JobGrant(SQLModel, table=True):
    """A job that may use a secret of somebody else's."""

    __tablename__ = "secret_job_grants"

    secret_id: UUID = Field(primary_key=True, foreign_key="secrets.id", ondelete="CASCADE")
    job_id: UUID = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE", index=True)


class ScriptGrant(SQLModel, table=True):
    """A script that is given a secret each time it runs, whoever runs it."""

    __tablename__ = "secret_script_grants"

    secret_id: UUID = Field(primary_key=True, foreign_key="secrets.id", ondelete="CASCADE")
    script_id: UUID = Field(primary_key=True, foreign_key="scripts.id", ondelete="CASCADE", index=True)
