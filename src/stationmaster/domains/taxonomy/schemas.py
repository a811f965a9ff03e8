"""What the API takes and shows of categories and teams."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, field_validator

from stationmaster.kit.slug import make_slug
from stationmaster.web.schema import Input, Output, ShortText


def _check_name(name: str) -> str:
    if not make_slug(name):
        raise ValueError("a name needs a letter or a digit")
    return name


LabelName = Annotated[ShortText, AfterValidator(_check_name)]
SlackHandle = Annotated[ShortText, Field(max_length=100, examples=["@night-shift"])]
Members = Annotated[list[UUID], Field(max_length=500, examples=[[]])]


class CategoryIn(Input):
    """A category to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Data imports"}]})

    name: LabelName = Field(description="The slug is made from it.", examples=["Data imports"])
    is_active: bool = Field(True, description="Whether jobs can be put into it.")


class CategoryPatch(Input):
    """Changes to a category; a new name gives it a new slug, and its jobs stay in it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_active": True}]})

    name: LabelName | None = None
    is_active: bool | None = None

    @field_validator("name", "is_active", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        return refuse_null(value)


class TeamIn(Input):
    """A team to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Night shift", "slack_handle": "@night-shift"}]})

    name: LabelName = Field(description="The slug is made from it.", examples=["Night shift"])
    slack_handle: SlackHandle | None = Field(None, description="How the team is called in Slack messages.")
    members: Members = Field([], description="Ids of the people in it; they are told what happens to its jobs.")
    is_active: bool = Field(True, description="Whether jobs can be given to it.")


class TeamPatch(Input):
    """Changes to a team; a new name gives it a new slug, and its jobs stay its own. `members` are replaced whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"slack_handle": "@night-shift"}]})

    name: LabelName | None = None
    slack_handle: SlackHandle | None = None
    members: Members | None = None
    is_active: bool | None = None

    @field_validator("name", "members", "is_active", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        return refuse_null(value)


def refuse_null(value: Any) -> Any:
    """Refuse null where it would mean nothing."""
    if value is None:
        raise ValueError("cannot be null; leave out what stays as it is")
    return value


class CategoryOut(Output):
    """A category of jobs."""

    id: UUID
    name: str = Field(examples=["Data imports"])
    slug: str = Field(examples=["data-imports"])
    is_active: bool
    created_at: datetime
    updated_at: datetime


class TeamOut(CategoryOut):
    """A team, and who is in it."""

    slack_handle: str | None = Field(examples=["@night-shift"])
    members: list[UUID] = Field(description="Ids of the people in it, in the order of their ids.")
