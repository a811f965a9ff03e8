"""The table of what retention removed."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class Removal(SQLModel, table=True):
    """How many rows a rule removed on one day (UTC)."""

    __tablename__ = "retention_removals"

    rule: str = Field(primary_key=True, max_length=64)
    day: date = Field(primary_key=True)
    removed: int = Field(sa_type=sa.BigInteger)
    last_at: datetime
