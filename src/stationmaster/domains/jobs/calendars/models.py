"""The tables of calendars."""

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import Json, TimedTable


class Calendar(TimedTable, table=True):
    """Named times that schedules can leave out. All three lists hold pairs as in `kit.closures.Closure`."""

    __tablename__ = "calendars"
    __table_args__ = (sa.Index("ix_calendars_owner", "owner_id"),)

    name: str = Field(max_length=255, unique=True)
    description: str | None = Field(default=None, sa_type=sa.Text)
    owner_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    dates: list[str] = Field(sa_type=Json)
    ranges: list[list[str]] = Field(sa_type=Json)
    ical_ranges: list[list[str]] = Field(sa_type=Json)
    """Read from an iCal file: first, last, and what the file calls it."""


class ScheduleCalendar(SQLModel, table=True):
    """A schedule leaves out the times of a calendar."""

    __tablename__ = "schedule_calendars"
    __table_args__ = (sa.Index("ix_schedule_calendars_calendar", "calendar_id"),)

    schedule_id: UUID = Field(foreign_key="schedules.id", ondelete="CASCADE", primary_key=True)
    calendar_id: UUID = Field(foreign_key="calendars.id", primary_key=True)
