"""The statements about secrets and their grants."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.domains.secrets.models import JobGrant, ScriptGrant, Secret

USE_NOTED_EVERY = timedelta(minutes=1)


def list_statement(*, owner_id: UUID | None) -> Any:
    """Select secrets, of one owner or of all."""
    statement = select(Secret)
    if owner_id is not None:
        statement = statement.where(Secret.owner_id == owner_id)
    return statement.order_by(col(Secret.id).desc())


async def find_secret(session: AsyncSession, name: str, *, for_update: bool = False) -> Secret | None:
    """Return a secret; `for_update` keeps others from changing it until the transaction ends."""
    statement = select(Secret).where(Secret.name == name)
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found: Secret | None = await session.scalar(statement)
    return found


async def list_usable(
    session: AsyncSession,
    names: Collection[str],
    *,
    owner_id: UUID | None,
    script_id: UUID | None,
    job_id: UUID | None,
) -> Sequence[Secret]:
    """Return those of the named secrets that the owner, the script or the job may use."""
    scripts = select(ScriptGrant.secret_id).where(ScriptGrant.script_id == script_id)
    jobs = select(JobGrant.secret_id).where(JobGrant.job_id == job_id)
    ways: list[sa.ColumnElement[bool]] = [
        *([col(Secret.owner_id) == owner_id] if owner_id else []),
        *([col(Secret.id).in_(scripts)] if script_id else []),
        *([col(Secret.id).in_(jobs)] if job_id else []),
    ]
    statement = select(Secret).where(col(Secret.name).in_(names), sa.or_(sa.false(), *ways))
    return (await session.scalars(statement)).all()


async def note_use(session: AsyncSession, ids: Collection[UUID], now: datetime) -> None:
    """Write down the time of use, where the one that stands there is older than a minute."""
    is_due = sa.or_(col(Secret.last_used_at).is_(None), col(Secret.last_used_at) <= now - USE_NOTED_EVERY)
    await session.execute(
        sa.update(Secret)
        .where(col(Secret.id).in_(ids), is_due)
        .values(last_used_at=now, updated_at=Secret.updated_at)
        .execution_options(synchronize_session=False)
    )


async def list_script_grants(session: AsyncSession, secret_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return the scripts that each of these secrets is granted to."""
    statement = sa.select(col(ScriptGrant.secret_id), col(ScriptGrant.script_id)).where(
        col(ScriptGrant.secret_id).in_(secret_ids)
    )
    return _group(await session.execute(statement))


async def list_job_grants(session: AsyncSession, secret_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return the jobs that each of these secrets is granted to."""
    statement = sa.select(col(JobGrant.secret_id), col(JobGrant.job_id)).where(col(JobGrant.secret_id).in_(secret_ids))
    return _group(await session.execute(statement))


def _group(pairs: Any) -> dict[UUID, list[UUID]]:
    grouped: dict[UUID, list[UUID]] = defaultdict(list)
    for secret_id, subject_id in sorted(pairs):
        grouped[secret_id].append(subject_id)
    return grouped


async def replace_grants(
    session: AsyncSession, secret_id: UUID, *, scripts: Collection[UUID], jobs: Collection[UUID]
) -> None:
    """Make these the grants of a secret, and no others."""
    await session.execute(sa.delete(ScriptGrant).where(col(ScriptGrant.secret_id) == secret_id))
    await session.execute(sa.delete(JobGrant).where(col(JobGrant.secret_id) == secret_id))
    session.add_all(ScriptGrant(secret_id=secret_id, script_id=script_id) for script_id in {*scripts})
    session.add_all(JobGrant(secret_id=secret_id, job_id=job_id) for job_id in {*jobs})
    await session.flush()
