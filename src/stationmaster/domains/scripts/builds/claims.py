"""The queue of versions whose image is to be built; all writes of a build are guarded by its token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db import blobs
from stationmaster.db.clock import database_now
from stationmaster.domains.scripts import repository
from stationmaster.domains.scripts.builds.models import Build
from stationmaster.domains.scripts.models import Script, Status, Version
from stationmaster.kit.ids import new_id

RETRY_AFTER = timedelta(seconds=10)
MOST_BEGUN = 3
"""A build that was begun so often and never ended, because replicas or engines went away, is not begun again."""
GIVEN_UP = f"The build was begun {MOST_BEGUN} times and never came to an end."


class NotOurs(Exception):
    """The lease was lost, or the version is gone: stop, and write nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A version that is ours to build."""

    token: UUID
    version_id: UUID
    script_id: UUID
    slug: str
    number: int
    manifest: dict[str, Any]
    archive: bytes
    lease: timedelta
    """How long it stays ours without a renewal."""


async def claim(session: AsyncSession, lease: timedelta) -> Claim | None:
    """Take the oldest version that waits, or whose builder went away; None when there is none."""
    now = await database_now(session)
    waits = sa.and_(col(Version.status) == Status.PENDING, col(Build.version_id).is_(None))
    abandoned = sa.and_(col(Version.status).in_([Status.PENDING, Status.BUILDING]), col(Build.lease_until) < now)
    statement = (
        select(Version)
        .outerjoin(Build, col(Build.version_id) == col(Version.id))
        .where(sa.or_(waits, abandoned))
        .order_by(col(Version.id))
        .limit(1)
        .with_for_update(skip_locked=True, of=Version)
    )
    version = await session.scalar(statement)
    return await _begin(session, version, lease) if version is not None else None


async def _begin(session: AsyncSession, version: Version, lease: timedelta) -> Claim | None:
    now, token = await database_now(session), new_id()
    build = await session.get(Build, version.id)
    begun = build.begun + 1 if build else 1
    if begun > MOST_BEGUN:
        await _end(session, version, image=None, error=GIVEN_UP)
        return None
    await session.merge(Build(version_id=version.id, token=token, lease_until=now + lease, begun=begun))
    script = await repository.find_script(session, version.script_id, for_update=True)
    assert script is not None, "versions go with their script"
    version.status = Status.BUILDING
    if script.version_count == version.number:
        script.status = Status.BUILDING
    assert version.digest is not None, "what is built has an archive"
    archive = await blobs.read_all(session, version.digest)
    await session.flush()
    return Claim(token, version.id, script.id, script.slug, version.number, version.manifest, archive, lease)


async def renew(session: AsyncSession, claimed: Claim, lines: Sequence[str]) -> None:
    """Keep the lease, and add to the build log what was said since.

    Raises:
        NotOurs
    """
    await _check(session, claimed, lease_until=await database_now(session) + claimed.lease)
    if lines:
        await repository.add_lines(session, claimed.version_id, lines)


async def release(session: AsyncSession, claimed: Claim, why: str) -> None:
    """Give a build back that could not be made here: it is begun again a while later.

    Raises:
        NotOurs
    """
    await _check(session, claimed, lease_until=await database_now(session) + RETRY_AFTER)
    await repository.add_lines(session, claimed.version_id, [why])


async def succeed(session: AsyncSession, claimed: Claim, image: str) -> None:
    """Store the image; the version becomes the current one unless a younger one is that already.

    Raises:
        NotOurs
    """
    await _end(session, await _decide(session, claimed), image=image, error=None)


async def fail(session: AsyncSession, claimed: Claim, error: str) -> None:
    """Store why there is no image; the former version stays the current one.

    Raises:
        NotOurs
    """
    await _end(session, await _decide(session, claimed), image=None, error=error)


async def _decide(session: AsyncSession, claimed: Claim) -> Version:
    await _check(session, claimed, lease_until=await database_now(session))
    version = await session.get(Version, claimed.version_id, populate_existing=True)
    assert version is not None, "its build is there, so it is"
    return version


async def _end(session: AsyncSession, version: Version, *, image: str | None, error: str | None) -> None:
    version.status = Status.SUCCESS if image else Status.FAILED
    version.image, version.error = image, error
    version.finished_at = await database_now(session)
    script = await repository.find_script(session, version.script_id, for_update=True)
    assert script is not None, "versions go with their script"
    _follow(script, version)
    last = f"Version {version.number} is ready." if image else f"Failed: {error}"
    await repository.add_lines(session, version.id, [last])
    await session.execute(sa.delete(Build).where(col(Build.version_id) == version.id))
    await session.flush()


def _follow(script: Script, version: Version) -> None:
    if script.version_count == version.number:
        script.status = version.status
    if version.status is Status.SUCCESS and (script.current_version or 0) < version.number:
        script.current_version = version.number


async def _check(session: AsyncSession, claimed: Claim, **values: Any) -> None:
    is_ours = (col(Build.version_id) == claimed.version_id, col(Build.token) == claimed.token)
    statement = sa.update(Build).where(*is_ours).values(values).returning(col(Build.version_id))
    if await session.scalar(statement) is None:
        raise NotOurs
