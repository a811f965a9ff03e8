"""The tables of categories and teams."""

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import TimedTable

GENERAL_ID = UUID("00000000-0000-7000-8000-000000000001")
"""The category of jobs that name none; a migration makes it."""


class Label(TimedTable):
    """What categories and teams have in common."""

    name: str = Field(max_length=255)
    slug: str = Field(max_length=255, unique=True)
    is_active: bool = True


class JobCategory(Label, table=True):
    """What jobs are for."""

    __tablename__ = "job_categories"


class Team(Label, table=True):
    """Who looks after jobs; `slack_handle` is how they are called there, such as `@night-shift` or `S0123ABC`."""

    __tablename__ = "teams"

    slack_handle: str | None = Field(default=None, max_length=100)


class TeamMember(SQLModel, table=True):
    """Somebody in a team."""

    __tablename__ = "team_members"
    __table_args__ = (sa.Index("ix_team_members_user", "user_id"),)

    team_id: UUID = Field(foreign_key="teams.id", ondelete="CASCADE", primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
