"""The table of settings."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import Json, sealed
from stationmaster.kit import clock


class Setting(SQLModel, table=True):
    """One group of settings; `secret` is sealed to its name."""

    __tablename__ = "settings"

    name: str = Field(primary_key=True, max_length=64)
    value: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    secret: str | None = Field(default=None, sa_type=sa.Text, sa_column_kwargs=sealed(row="settings/{name}"))
    updated_at: datetime = Field(default_factory=clock.now, sa_column_kwargs={"onupdate": clock.now})
