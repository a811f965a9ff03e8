"""The sections of categories, teams and calendars."""

from collections.abc import Collection
from typing import Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs import calendar_changes
from stationmaster.domains.jobs.calendars import service as calendars
from stationmaster.domains.jobs.calendars.models import Calendar
from stationmaster.domains.jobs.calendars.schemas import CalendarIn, CalendarPatch
from stationmaster.domains.jobs.transfer.section import Item
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.domains.taxonomy.schemas import (
    CategoryIn,
    CategoryPatch,
    LabelName,
    SlackHandle,
    TeamIn,
    TeamPatch,
)
from stationmaster.errors import Conflict, Forbidden
from stationmaster.identity.actor import Actor
from stationmaster.kit.slug import make_slug
from stationmaster.web.schema import Input


class _Team(Input):
    """A team in a document: without its members, who are people of one house."""

    name: LabelName
    slack_handle: SlackHandle | None = None
    is_active: bool = Field(True)


def _require_admin(actor: Actor, what: str) -> None:
    if not actor.is_admin:
        raise Forbidden(f"Only admins make and change {what}.")


class _Fixed:
    """A section whose things are never deleted and point to nothing."""

    is_pruned = False

    async def link(self, session: AsyncSession, name: str, item: Item, actor: Actor) -> None:
        return

    async def delete(self, session: AsyncSession, name: str, actor: Actor) -> None:
        raise Conflict(f"{name} is not deleted by an import.")


class CategorySection(_Fixed):
    """Job categories, known by their slug."""

    key = "categories"

    async def read(self, session: AsyncSession, actor: Actor) -> dict[str, Item]:
        found = await taxonomy.list_categories(session)
        return {one.slug: _normal(CategoryIn(name=one.name, is_active=one.is_active)) for one in found}

    def normalise(self, raw: Any) -> tuple[str, Item]:
        wanted = CategoryIn.model_validate(raw)
        return make_slug(wanted.name), _normal(wanted)

    async def create(self, session: AsyncSession, item: Item, actor: Actor) -> None:
        _require_admin(actor, "categories")
        await taxonomy.create_category(session, CategoryIn.model_validate(item))

    async def update(
        self, session: AsyncSession, name: str, item: Item, changed: Collection[str], actor: Actor
    ) -> None:
        _require_admin(actor, "categories")
        id_ = await taxonomy.find_category_id(session, name)
        assert id_ is not None
        patch = CategoryIn.model_validate(item).model_dump(include=set(changed))
        await taxonomy.update_category(session, id_, CategoryPatch.model_validate(patch))


class TeamSection(_Fixed):
    """Teams, known by their slug."""

    key = "teams"

    async def read(self, session: AsyncSession, actor: Actor) -> dict[str, Item]:
        found = await taxonomy.list_teams(session)
        return {
            one.slug: _normal(_Team(name=one.name, slack_handle=one.slack_handle, is_active=one.is_active))
            for one in found
        }

    def normalise(self, raw: Any) -> tuple[str, Item]:
        wanted = _Team.model_validate(raw)
        return make_slug(wanted.name), _normal(wanted)

    async def create(self, session: AsyncSession, item: Item, actor: Actor) -> None:
        _require_admin(actor, "teams")
        await taxonomy.create_team(session, TeamIn.model_validate(item))

    async def update(
        self, session: AsyncSession, name: str, item: Item, changed: Collection[str], actor: Actor
    ) -> None:
        _require_admin(actor, "teams")
        id_ = await taxonomy.find_team_id(session, name)
        assert id_ is not None
        patch = _Team.model_validate(item).model_dump(include=set(changed))
        await taxonomy.update_team(session, id_, TeamPatch.model_validate(patch))


class CalendarSection(_Fixed):
    """Calendars; what was read from an iCal file is written as ranges."""

    key = "calendars"

    async def read(self, session: AsyncSession, actor: Actor) -> dict[str, Item]:
        return {one.name: _describe(one) for one in await calendars.list_calendars(session)}

    def normalise(self, raw: Any) -> tuple[str, Item]:
        wanted = CalendarIn.model_validate(raw)
        return wanted.name, _normal(wanted)

    async def create(self, session: AsyncSession, item: Item, actor: Actor) -> None:
        await calendars.create_calendar(session, CalendarIn.model_validate(item), actor)

    async def update(
        self, session: AsyncSession, name: str, item: Item, changed: Collection[str], actor: Actor
    ) -> None:
        found = {one.name: one for one in await calendars.list_calendars(session)}[name]
        facts = CalendarIn.model_validate(item).model_dump(mode="json", include={"description", "dates", "ranges"})
        await calendar_changes.update_calendar(
            session, found.id, CalendarPatch.model_validate(facts | {"ical": None}), actor
        )


def _describe(calendar: Calendar) -> Item:
    times = sorted({(start, end) for start, end, *_ in (*calendar.ranges, *calendar.ical_ranges)})
    return _normal(
        CalendarIn.model_validate(
            {
                "name": calendar.name,
                "description": calendar.description,
                "dates": calendar.dates,
                "ranges": [{"start": start, "end": end} for start, end in times],
            }
        )
    )


def _normal(wanted: Input) -> Item:
    item: Item = wanted.model_dump(mode="json", exclude_defaults=True)
    if "dates" in item:
        item["dates"] = sorted(set(item["dates"]))
    if "ranges" in item:
        item["ranges"] = sorted(item["ranges"], key=lambda one: (one["start"], one["end"]))
    return item
