"""The demonstration's jobs are made once, and follow the receiver."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.jobs import pausing
from stationmaster.domains.jobs.action_schemas import PauseIn
from stationmaster.domains.jobs.models import Job
from stationmaster.entrypoints.demo.jobs import RESTING, acting_as, ensure_jobs, rest_jobs, wanted_jobs
from stationmaster.entrypoints.demo.receiver import Receiver
from stationmaster.identity.actor import Role
from tests.support.people import make_user
from tests.support.work import make_actor, make_rules

RECEIVER = Receiver(8001, "whsec_" + "c2VjcmV0" * 4)
MOVED = Receiver(9001, RECEIVER.signing_secret)


async def ensure(database: Database, receiver: Receiver) -> None:
    await ensure_jobs(database, make_rules(), receiver, await make_actor(database, Role.SUPERADMIN))


async def read_targets(database: Database) -> dict[str, dict[str, Any]]:
    async with read_only(database) as session:
        return {job.name: job.target for job in await session.scalars(select(Job))}


async def test_they_are_made_and_not_made_twice(database: Database) -> None:
    await ensure(database, RECEIVER)
    before = await read_targets(database)
    await ensure(database, RECEIVER)

    assert {job.name for job in wanted_jobs(RECEIVER)} == set(before)
    assert before == await read_targets(database)


async def test_they_follow_the_receiver(database: Database) -> None:
    await ensure(database, RECEIVER)
    await ensure(database, MOVED)

    assert {True} == {target["url"].startswith(MOVED.url("/")) for target in (await read_targets(database)).values()}


async def test_what_somebody_changed_stays(database: Database) -> None:
    await ensure(database, RECEIVER)
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Job).where(col(Job.name) == "demo-cron").values(is_active=False))
    await ensure(database, MOVED)

    async with read_only(database) as session:
        assert ["demo-cron"] == list(await session.scalars(select(Job.name).where(col(Job.is_active).is_(False))))


async def test_they_belong_to_whom_they_are_made_for(database: Database) -> None:
    user = await make_user(database, Role.ADMIN)
    await ensure_jobs(database, make_rules(), RECEIVER, acting_as(user))

    async with read_only(database) as session:
        assert {user.id} == set(await session.scalars(select(Job.owner_id)))


async def test_they_rest_when_the_demonstration_ends_and_go_on_with_the_next(database: Database) -> None:
    admin = await make_actor(database, Role.SUPERADMIN)
    await ensure_jobs(database, make_rules(), RECEIVER, admin)
    await rest_jobs(database, RECEIVER, admin)
    async with read_only(database) as session:
        resting = list(await session.scalars(select(Job)))
    await ensure_jobs(database, make_rules(), RECEIVER, admin)
    async with read_only(database) as session:
        awake = list(await session.scalars(select(Job)))

    assert {(RESTING, None)} == {(job.pause_reason, job.paused_until) for job in resting}
    assert all(job.paused_until is not None for job in awake)


async def test_what_somebody_paused_stays_so(database: Database) -> None:
    admin = await make_actor(database, Role.SUPERADMIN)
    await ensure_jobs(database, make_rules(), RECEIVER, admin)
    async with unit_of_work(database) as session:
        [job] = await session.scalars(select(Job).where(col(Job.name) == "demo-cron"))
        await pausing.pause_job(session, job.id, PauseIn(reason="too loud"), admin)
    await rest_jobs(database, RECEIVER, admin)
    await ensure_jobs(database, make_rules(), RECEIVER, admin)

    async with read_only(database) as session:
        [job] = await session.scalars(select(Job).where(col(Job.name) == "demo-cron"))
    assert ("too loud", None) == (job.pause_reason, job.paused_until)
