"""The statements about categories and teams."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.domains.taxonomy.models import Label, TeamMember

LabelT = TypeVar("LabelT", bound=Label)

members = table_of(TeamMember)


def list_statement(kind: type[LabelT], *, also_inactive: bool) -> Any:
    """Select labels by their name."""
    statement = select(kind)
    if not also_inactive:
        statement = statement.where(col(kind.is_active))
    return statement.order_by(col(kind.name), col(kind.id))


async def find(session: AsyncSession, kind: type[LabelT], id_: UUID, *, for_update: bool = False) -> LabelT | None:
    """Return a label; `for_update` keeps others from changing it until the transaction ends."""
    lock = {"key_share": True} if for_update else None
    return await session.get(kind, id_, with_for_update=lock, populate_existing=for_update)


async def find_by_slug(session: AsyncSession, kind: type[LabelT], slug: str) -> LabelT | None:
    found: LabelT | None = await session.scalar(select(kind).where(kind.slug == slug))
    return found


async def find_slugs(session: AsyncSession, kind: type[Label], ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the slug of each of these labels."""
    if not ids:
        return {}
    rows = await session.execute(select(kind.id, kind.slug).where(col(kind.id).in_(ids)))
    return {row.id: row.slug for row in rows}


async def list_all(session: AsyncSession, kind: type[LabelT]) -> list[LabelT]:
    return list(await session.scalars(list_statement(kind, also_inactive=True)))


async def list_members(session: AsyncSession, team_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return who is in each of these teams, read with one statement."""
    by_team: dict[UUID, list[UUID]] = defaultdict(list)
    statement = sa.select(members).where(members.c.team_id.in_(team_ids)).order_by(members.c.user_id)
    for row in await session.execute(statement):
        by_team[row.team_id].append(row.user_id)
    return by_team


async def replace_members(session: AsyncSession, team_id: UUID, user_ids: Collection[UUID]) -> None:
    await session.execute(sa.delete(members).where(members.c.team_id == team_id))
    if user_ids:
        rows = [{"team_id": team_id, "user_id": user_id} for user_id in sorted(set(user_ids))]
        await session.execute(sa.insert(members), rows)
