"""What others may ask of categories and teams."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.taxonomy import repository
from stationmaster.domains.taxonomy.errors import (
    CategoryNameTaken,
    CategoryNotFound,
    GeneralStays,
    TeamNameTaken,
    TeamNotFound,
)
from stationmaster.domains.taxonomy.models import GENERAL_ID, JobCategory, Label, Team
from stationmaster.domains.taxonomy.schemas import CategoryIn, CategoryPatch, TeamIn, TeamPatch
from stationmaster.domains.users import service as users
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.slug import make_slug


def list_categories_statement(*, also_inactive: bool) -> Any:
    """Return the statement of a list of categories, by name, for paging."""
    return repository.list_statement(JobCategory, also_inactive=also_inactive)


def list_teams_statement(*, also_inactive: bool) -> Any:
    """Return the statement of a list of teams, by name, for paging."""
    return repository.list_statement(Team, also_inactive=also_inactive)


async def list_categories(session: AsyncSession) -> list[JobCategory]:
    """Return every category, by name."""
    return await repository.list_all(session, JobCategory)


async def list_teams(session: AsyncSession) -> list[Team]:
    """Return every team, by name."""
    return await repository.list_all(session, Team)


async def get_category(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> JobCategory:
    """Return a category.

    Raises:
        CategoryNotFound: there is none with this id.
    """
    category = await repository.find(session, JobCategory, id_, for_update=for_update)
    if category is None:
        raise CategoryNotFound(id_)
    return category


async def get_team(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Team:
    """Return a team.

    Raises:
        TeamNotFound: there is none with this id.
    """
    team = await repository.find(session, Team, id_, for_update=for_update)
    if team is None:
        raise TeamNotFound(id_)
    return team


async def create_category(session: AsyncSession, wanted: CategoryIn) -> JobCategory:
    """Store a category.

    Raises:
        CategoryNameTaken: another one has the slug of this name.
    """
    slug = make_slug(wanted.name)
    if await repository.find_by_slug(session, JobCategory, slug):
        raise CategoryNameTaken(slug)
    category = JobCategory(name=wanted.name, slug=slug, is_active=wanted.is_active)
    session.add(category)
    await session.flush()
    audit.note(session, "job_category", category.id, after=snapshot(category))
    return category


async def update_category(session: AsyncSession, id_: UUID, patch: CategoryPatch) -> JobCategory:
    """Change a category.

    Raises:
        CategoryNotFound, CategoryNameTaken, GeneralStays
    """
    category = await get_category(session, id_, for_update=True)
    before = snapshot(category)
    if category.id == GENERAL_ID and (patch.name not in {None, category.name} or patch.is_active is False):
        raise GeneralStays
    if patch.name is not None:
        slug = make_slug(patch.name)
        if await _is_taken(session, JobCategory, slug, category):
            raise CategoryNameTaken(slug)
        category.name, category.slug = patch.name, slug
    if patch.is_active is not None:
        category.is_active = patch.is_active
    await session.flush()
    audit.note(session, "job_category", category.id, before=before, after=snapshot(category))
    return category


async def create_team(session: AsyncSession, wanted: TeamIn) -> Team:
    """Store a team with its members.

    Raises:
        TeamNameTaken: another one has the slug of this name.
        Invalid: a member is not there.
    """
    slug = make_slug(wanted.name)
    if await repository.find_by_slug(session, Team, slug):
        raise TeamNameTaken(slug)
    team = Team(name=wanted.name, slug=slug, slack_handle=wanted.slack_handle, is_active=wanted.is_active)
    session.add(team)
    await session.flush()
    await _set_members(session, team, wanted.members)
    audit.note(session, "team", team.id, after=await _tell_team(session, team))
    return team


async def update_team(session: AsyncSession, id_: UUID, patch: TeamPatch) -> Team:
    """Change a team.

    Raises:
        TeamNotFound, TeamNameTaken, Invalid
    """
    team = await get_team(session, id_, for_update=True)
    before = await _tell_team(session, team)
    if patch.name is not None:
        slug = make_slug(patch.name)
        if await _is_taken(session, Team, slug, team):
            raise TeamNameTaken(slug)
        team.name, team.slug = patch.name, slug
    for name in patch.model_fields_set & {"slack_handle", "is_active"}:
        setattr(team, name, getattr(patch, name))
    if patch.members is not None:
        await _set_members(session, team, patch.members)
    await session.flush()
    audit.note(session, "team", team.id, before=before, after=await _tell_team(session, team))
    return team


async def _is_taken(session: AsyncSession, kind: type[Label], slug: str, label: Label) -> bool:
    found = await repository.find_by_slug(session, kind, slug)
    return found is not None and found.id != label.id


async def _set_members(session: AsyncSession, team: Team, user_ids: Sequence[UUID]) -> None:
    known = await users.find_names(session, set(user_ids))
    missing = [index for index, id_ in enumerate(user_ids) if id_ not in known]
    if missing:
        raise Invalid(*(FieldError("there is no such account", pointer=f"/members/{index}") for index in missing))
    await repository.replace_members(session, team.id, user_ids)


async def _tell_team(session: AsyncSession, team: Team) -> dict[str, Any]:
    return snapshot(team) | {"members": await list_members(session, team.id)}


async def list_members(session: AsyncSession, team_id: UUID) -> list[UUID]:
    """Return the ids of the people in a team."""
    return (await repository.list_members(session, [team_id])).get(team_id, [])


async def list_members_of(session: AsyncSession, team_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return the ids of the people in each of several teams."""
    return await repository.list_members(session, team_ids)


async def choose_category(session: AsyncSession, text: str | None, *, pointer: str) -> UUID:
    """Return the id of the category with this slug or name, or of the default one.

    Raises:
        Invalid: there is none, or it is switched off; `pointer` says where the caller named it.
    """
    if text is None:
        return GENERAL_ID
    return (await _choose(session, JobCategory, text, what="job category", pointer=pointer)).id


async def choose_team(session: AsyncSession, text: str | None, *, pointer: str) -> UUID | None:
    """Return the id of the team with this slug or name.

    Raises:
        Invalid: there is none, or it is switched off; `pointer` says where the caller named it.
    """
    return None if text is None else (await _choose(session, Team, text, what="team", pointer=pointer)).id


async def _choose(
    session: AsyncSession, kind: type[repository.LabelT], text: str, *, what: str, pointer: str
) -> repository.LabelT:
    found = await repository.find_by_slug(session, kind, make_slug(text))
    if found is None:
        raise Invalid(FieldError(f"there is no {what} {text[:100]!r}", pointer=pointer))
    if not found.is_active:
        raise Invalid(FieldError(f"the {what} {found.slug!r} is switched off", pointer=pointer))
    return found


async def find_category_id(session: AsyncSession, text: str | None) -> UUID | None:
    """Return the id of the category with this slug or name, switched off or not."""
    if text is None:
        return None
    found = await repository.find_by_slug(session, JobCategory, make_slug(text))
    return found.id if found else None


async def find_team_id(session: AsyncSession, text: str | None) -> UUID | None:
    """Return the id of the team with this slug or name, switched off or not."""
    if text is None:
        return None
    found = await repository.find_by_slug(session, Team, make_slug(text))
    return found.id if found else None


@dataclass(frozen=True)
class Slugs:
    """The slugs of some categories and teams, by id."""

    categories: dict[UUID, str]
    teams: dict[UUID, str]


async def find_slugs(session: AsyncSession, category_ids: Collection[UUID], team_ids: Collection[UUID]) -> Slugs:
    """Return the slugs of these categories and teams."""
    return Slugs(
        await repository.find_slugs(session, JobCategory, category_ids),
        await repository.find_slugs(session, Team, team_ids),
    )
