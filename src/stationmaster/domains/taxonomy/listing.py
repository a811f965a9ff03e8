"""What lists of categories and teams show, and what they can be narrowed to and sorted by."""

from typing import Any

import sqlalchemy as sa

from stationmaster.db.base import table_of
from stationmaster.db.listing import Field, Resource, Through, field
from stationmaster.domains.taxonomy.models import JobCategory, Team
from stationmaster.domains.taxonomy.schemas import CategoryOut, TeamOut
from stationmaster.web.items import Item

_categories = table_of(JobCategory)
_teams = table_of(Team)


def _fields(table: sa.Table, *more: str) -> tuple[Field, ...]:
    names = ("name", "slug", "is_active", *more, "created_at", "updated_at")
    return tuple(field(name, table.c[name]) for name in names)


CATEGORIES = Resource("job_categories", key=field("id", _categories.c.id), fields=_fields(_categories))
TEAMS = Resource("teams", key=field("id", _teams.c.id), fields=_fields(_teams, "slack_handle"))


def label_fields(category_id: sa.ColumnElement[Any], team_id: sa.ColumnElement[Any]) -> tuple[Field, Field]:
    """Declare `category` and `team` (their slugs) of a resource with these columns."""
    return (
        field("category", _categories.c.slug, through=Through(category_id, _categories.c.id)),
        field("team", _teams.c.slug, through=Through(team_id, _teams.c.id)),
    )


class CategoryItem(CategoryOut, Item):
    """A category in a list; `exclude` may leave out any field."""


class TeamItem(TeamOut, Item):
    """A team in a list; `exclude` may leave out any field."""
