"""Specs are forgotten when nothing names them, and not before."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Spec
from stationmaster.domains.executions.spec_sweep import YOUNG, forget_unnamed
from tests.support.executions import make_spec, store
from tests.support.work import HOURLY, make_job


async def sweep(database: Database, *, later: timedelta) -> set[UUID]:
    """Sweep as if so much time had passed; return what is left."""
    async with unit_of_work(database) as session:
        for id_, made in (await session.execute(select(Spec.id, Spec.created_at))).all():
            await session.execute(sa.update(Spec).where(col(Spec.id) == id_).values(created_at=made - later))
        await forget_unnamed(session)
    async with read_only(database) as session:
        return set(await session.scalars(select(Spec.id)))


async def add(database: Database, spec: Spec) -> UUID:
    async with unit_of_work(database) as session:
        session.add(spec)
    return spec.id


async def test_what_nothing_names_is_forgotten(database: Database) -> None:
    await add(database, make_spec())

    assert set() == await sweep(database, later=2 * YOUNG)


async def test_a_young_one_stays(database: Database) -> None:
    id_ = await add(database, make_spec())

    assert {id_} == await sweep(database, later=timedelta(0))


async def test_what_is_named_stays(database: Database) -> None:
    """By an execution, by a job, and by a schedule with params of its own."""
    spec = make_spec()
    await store(database, spec)
    job = await make_job(database, schedules=[{**HOURLY, "params": {"size": 2}}])
    left = await sweep(database, later=2 * YOUNG)

    assert {spec.id, job.spec_id} < left
    assert 3 == len(left)
