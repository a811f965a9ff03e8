"""What a job waits for: other jobs, and how they must end."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.domains.jobs.dependency_models import Dependency, Wave
from stationmaster.domains.jobs.errors import StillNeeded
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.policy_schemas import DependencyIn
from stationmaster.errors import FieldError, Invalid

jobs = table_of(Job)
dependencies = table_of(Dependency)


async def set_dependencies(session: AsyncSession, job: Job, wanted: Sequence[DependencyIn]) -> None:
    """Let a job wait for these others and no more; what had begun to gather for it is forgotten.

    Raises:
        Invalid: one is not there, is named twice, is the job itself, or waits for it.
    """
    found = await _find_jobs(session, [one.job for one in wanted])
    chosen: dict[UUID, Dependency] = {}
    for index, one in enumerate(wanted):
        upstream_id = found.get(one.job)
        _check(job, upstream_id, chosen, f"/depends_on/{index}/job")
        assert upstream_id is not None
        chosen[upstream_id] = Dependency(job_id=job.id, upstream_id=upstream_id, on=one.on)
    await _refuse_circle(session, job, list(chosen))
    before = {one.upstream_id for one in await list_of(session, job.id)}
    await session.execute(sa.delete(Dependency).where(col(Dependency.job_id) == job.id))
    await session.execute(sa.delete(Wave).where(col(Wave.job_id) == job.id))
    session.add_all(chosen.values())
    await session.flush()
    await refresh_watch(session, before | chosen.keys())


async def _find_jobs(session: AsyncSession, names: Collection[str]) -> dict[str, UUID]:
    """Return the ids of jobs, by the id or the name by which each is named."""
    ids = {text: id_ for text in names if (id_ := _read_id(text))}
    named = sa.or_(jobs.c.name.in_(names), jobs.c.id.in_(ids.values()))
    rows = (await session.execute(sa.select(jobs.c.id, jobs.c.name).where(named))).all()
    there = {row.id for row in rows}
    return {text: id_ for text, id_ in ids.items() if id_ in there} | {row.name: row.id for row in rows}


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _check(job: Job, upstream_id: UUID | None, chosen: Collection[UUID], pointer: str) -> None:
    if upstream_id is None:
        raise Invalid(FieldError("there is no such job", pointer=pointer))
    if upstream_id == job.id:
        raise Invalid(FieldError("a job cannot wait for itself", pointer=pointer))
    if upstream_id in chosen:
        raise Invalid(FieldError("is named twice", pointer=pointer))


async def _refuse_circle(session: AsyncSession, job: Job, upstream_ids: Sequence[UUID]) -> None:
    """Refuse what would wait for itself in the end; walks up one generation with each statement."""
    seen: set[UUID] = set()
    generation = set(upstream_ids)
    while generation:
        if job.id in generation:
            raise Invalid(FieldError("the job would wait for itself, through others", pointer="/depends_on"))
        seen |= generation
        above = sa.select(dependencies.c.upstream_id).where(dependencies.c.job_id.in_(generation))
        generation = set(await session.scalars(above)) - seen


async def list_of(session: AsyncSession, job_id: UUID) -> list[Dependency]:
    """Return what a job waits for."""
    return (await list_of_several(session, [job_id])).get(job_id, [])


async def list_of_several(session: AsyncSession, job_ids: Collection[UUID]) -> dict[UUID, list[Dependency]]:
    """Return what each of these jobs waits for, read with one statement."""
    by_job: dict[UUID, list[Dependency]] = defaultdict(list)
    statement = (
        select(Dependency)
        .where(col(Dependency.job_id).in_(job_ids))
        .order_by(col(Dependency.job_id), col(Dependency.upstream_id))
    )
    for one in await session.scalars(statement):
        by_job[one.job_id].append(one)
    return by_job


async def list_shown(session: AsyncSession, job_ids: Collection[UUID]) -> dict[UUID, list[DependencyIn]]:
    """Return what each of these jobs waits for, as it is given: by name, in the order of the names."""
    by_job: dict[UUID, list[DependencyIn]] = defaultdict(list)
    statement = (
        sa.select(dependencies.c.job_id, jobs.c.name, dependencies.c.on_end)
        .join(jobs, jobs.c.id == dependencies.c.upstream_id)
        .where(dependencies.c.job_id.in_(job_ids))
        .order_by(jobs.c.name)
    )
    for row in await session.execute(statement):
        by_job[row.job_id].append(DependencyIn(job=row.name, on=row.on_end))
    return by_job


async def refuse_needed(session: AsyncSession, job_ids: Collection[UUID]) -> None:
    """Refuse to lose jobs for which others wait, other than those lost with them.

    Raises:
        StillNeeded: names one of those.
    """
    statement = (
        sa.select(jobs.c.name)
        .join(dependencies, dependencies.c.job_id == jobs.c.id)
        .where(dependencies.c.upstream_id.in_(job_ids), dependencies.c.job_id.not_in(job_ids))
        .order_by(jobs.c.name)
        .limit(1)
    )
    name = await session.scalar(statement)
    if name is not None:
        raise StillNeeded(name)


async def refresh_watch(session: AsyncSession, job_ids: Collection[UUID]) -> None:
    """Note for jobs whether somebody waits for the ends of their executions; nobody has changed them by that."""
    is_needed = sa.exists().where(dependencies.c.upstream_id == jobs.c.id)
    tells = sa.func.coalesce(jobs.c.notifications["enabled"].as_boolean(), sa.false())
    await session.execute(
        sa.update(jobs)
        .where(jobs.c.id.in_(job_ids))
        .values(is_watched=sa.or_(jobs.c.auto_pause_after_failures > 0, tells, is_needed), updated_at=jobs.c.updated_at)
    )
