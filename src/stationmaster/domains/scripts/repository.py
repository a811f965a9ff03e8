"""The statements about scripts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.domains.scripts.access import Access, logs_open_to, visible_to
from stationmaster.domains.scripts.models import AllowedRole, AllowedUser, BuildLine, Script, Status, Version
from stationmaster.identity.actor import Actor, Role

MOST_IN_CATALOG = 2000


def list_statement(actor: Actor, *, status: Status | None, category: str | None, is_public: bool | None) -> Any:
    """Select the scripts that a caller may see, with these properties."""
    statement = select(Script).where(visible_to(actor)).order_by(col(Script.id).desc())
    if status is not None:
        statement = statement.where(col(Script.status) == status)
    if category is not None:
        statement = statement.where(col(Script.category) == category)
    if is_public is not None:
        statement = statement.where(col(Script.is_public) == is_public)
    return statement


def catalog_statement(actor: Actor) -> Any:
    """Select the scripts that a caller may see, by category and name; those without a category come last."""
    order = (col(Script.category).is_(None), col(Script.category), col(Script.name), col(Script.id))
    return select(Script).where(visible_to(actor)).order_by(*order).limit(MOST_IN_CATALOG)


async def find_script(session: AsyncSession, id_or_slug: UUID | str, *, for_update: bool = False) -> Script | None:
    """Return a script; `for_update` keeps others from changing it until the transaction ends."""
    key = Script.id if isinstance(id_or_slug, UUID) else Script.slug
    statement = select(Script).where(key == id_or_slug)
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found: Script | None = await session.scalar(statement)
    return found


async def list_newest_of_owners(session: AsyncSession, owner_ids: Collection[UUID], count: int) -> Sequence[Script]:
    """Return up to `count` newest scripts of each owner, newest first."""
    scripts = table_of(Script)
    place = sa.func.row_number().over(partition_by=scripts.c.owner_id, order_by=scripts.c.id.desc()).label("place")
    ranked = sa.select(scripts.c.id, place).where(scripts.c.owner_id.in_(owner_ids)).subquery()
    ids = sa.select(ranked.c.id).where(ranked.c.place <= count)
    return (await session.scalars(select(Script).where(col(Script.id).in_(ids)).order_by(col(Script.id).desc()))).all()


async def count(session: AsyncSession) -> int:
    return await session.scalar(sa.select(sa.func.count()).select_from(Script)) or 0


async def is_slug_taken(session: AsyncSession, slug: str, *, except_id: UUID | None = None) -> bool:
    found = await session.scalar(select(Script.id).where(Script.slug == slug))
    return found is not None and found != except_id


async def find_visible(session: AsyncSession, ids: Collection[UUID], actor: Actor) -> dict[UUID, bool]:
    """Return which of these scripts a caller may see, and of each whether also its logs."""
    statement = sa.select(col(Script.id), logs_open_to(actor)).where(col(Script.id).in_(ids), visible_to(actor))
    return {row[0]: bool(row[1]) for row in await session.execute(statement)}


async def read_accesses(session: AsyncSession, scripts: Sequence[Script]) -> dict[UUID, Access]:
    """Return who may use each of these scripts, read with two statements."""
    ids = [script.id for script in scripts]
    users: dict[UUID, set[UUID]] = defaultdict(set)
    roles: dict[UUID, set[Role]] = defaultdict(set)
    for row in await session.execute(sa.select(table_of(AllowedUser)).where(col(AllowedUser.script_id).in_(ids))):
        users[row.script_id].add(row.user_id)
    for row in await session.execute(sa.select(table_of(AllowedRole)).where(col(AllowedRole.script_id).in_(ids))):
        roles[row.script_id].add(Role(row.role))
    return {
        script.id: Access(script.owner_id, script.is_public, frozenset(users[script.id]), frozenset(roles[script.id]))
        for script in scripts
    }


async def replace_users(session: AsyncSession, script_id: UUID, users: Iterable[UUID]) -> None:
    await session.execute(sa.delete(AllowedUser).where(col(AllowedUser.script_id) == script_id))
    session.add_all(AllowedUser(script_id=script_id, user_id=user_id) for user_id in users)
    await session.flush()


async def replace_roles(session: AsyncSession, script_id: UUID, roles: Iterable[Role]) -> None:
    await session.execute(sa.delete(AllowedRole).where(col(AllowedRole.script_id) == script_id))
    session.add_all(AllowedRole(script_id=script_id, role=role) for role in roles)
    await session.flush()


def versions_statement(script_id: UUID) -> Any:
    """Select the versions of a script, newest first."""
    return select(Version).where(Version.script_id == script_id).order_by(col(Version.number).desc())


async def find_version(session: AsyncSession, script_id: UUID, number: int) -> Version | None:
    statement = select(Version).where(Version.script_id == script_id, Version.number == number)
    found: Version | None = await session.scalar(statement)
    return found


async def find_versions(session: AsyncSession, ids: Iterable[UUID]) -> set[UUID]:
    """Return those of these ids that are versions."""
    return set(await session.scalars(select(Version.id).where(col(Version.id).in_(list(ids)))))


async def list_current(session: AsyncSession, scripts: Collection[Script]) -> dict[UUID, Version]:
    """Return of each script the version to show: the current one, or while there is none the newest."""
    return await _list_numbered(session, [(one.id, one.current_version or one.version_count) for one in scripts])


async def list_newest(session: AsyncSession, scripts: Collection[Script]) -> dict[UUID, Version]:
    """Return the newest version of each script."""
    return await _list_numbered(session, [(one.id, one.version_count) for one in scripts])


async def _list_numbered(session: AsyncSession, wanted: Sequence[tuple[UUID, int]]) -> dict[UUID, Version]:
    if not wanted:
        return {}
    statement = select(Version).where(sa.tuple_(col(Version.script_id), col(Version.number)).in_(wanted))
    return {version.script_id: version for version in await session.scalars(statement)}


def lines_statement(version_id: UUID, *, after: int = 0) -> Any:
    """Select the build log of a version, in order, from behind a line on."""
    statement = select(BuildLine).where(BuildLine.version_id == version_id, col(BuildLine.number) > after)
    return statement.order_by(col(BuildLine.number))


async def list_newest_lines(session: AsyncSession, version_ids: Collection[UUID], count: int) -> dict[UUID, list[str]]:
    """Return the last lines of several build logs, in order."""
    lines = table_of(BuildLine)
    place = sa.func.row_number().over(partition_by=lines.c.version_id, order_by=lines.c.number.desc()).label("place")
    ranked = sa.select(lines, place).where(lines.c.version_id.in_(version_ids)).subquery()
    statement = sa.select(ranked).where(ranked.c.place <= count).order_by(ranked.c.version_id, ranked.c.number)
    found: dict[UUID, list[str]] = defaultdict(list)
    for row in await session.execute(statement):
        found[row.version_id].append(row.text)
    return found


async def add_lines(session: AsyncSession, version_id: UUID, texts: Sequence[str]) -> None:
    """Add lines to the end of a build log; one writer at a time."""
    last = await session.scalar(select(sa.func.max(BuildLine.number)).where(BuildLine.version_id == version_id))
    session.add_all(
        BuildLine(version_id=version_id, number=number, text=text)
        for number, text in enumerate(texts, start=(last or 0) + 1)
    )
    await session.flush()
