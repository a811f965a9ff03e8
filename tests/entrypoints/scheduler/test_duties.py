"""The duties: each can be done, and one that fails is no reason not to do the others."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.db.leases import Lease
from stationmaster.db.session import unit_of_work
from stationmaster.entrypoints.scheduler.duties import DUTIES, Duty
from stationmaster.kit import clock
from tests.entrypoints.scheduler.replicas import MOMENT, QUICK, Counter, make_scheduler, running
from tests.support.work import count_rows


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"scheduler_enabled": True, "leader": QUICK})


def test_each_duty_has_a_name_of_its_own() -> None:
    names = [duty.name for duty in DUTIES]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("duty", DUTIES, ids=lambda duty: duty.name)
async def test_each_duty_finds_nothing_to_do_in_an_empty_house(database: Database, duty: Duty) -> None:
    for _ in range(2):
        async with unit_of_work(database) as session:
            await duty.work(session)

    assert duty.every.total_seconds() > 0


@pytest.mark.parametrize("error", [ValueError("a mistake"), OSError("the database is away")])
async def test_a_duty_that_fails_does_not_stop_the_others_nor_itself(
    database: Database, settings: Settings, error: Exception
) -> None:
    bad, good = Counter(error), Counter()
    duties = Duty("bad", MOMENT, bad.work), Duty("good", MOMENT, good.work)

    async with running(make_scheduler(database, settings, "a", *duties)):
        await bad.reaches(3)
        await good.reaches(good.times + 3)


async def test_a_duty_is_one_transaction(database: Database, settings: Settings) -> None:
    async def write_and_fail(session: AsyncSession) -> None:
        now = clock.now()
        row = {"name": "half", "holder": "x", "epoch": 1, "acquired_at": now, "expires_at": now}
        await session.execute(sa.insert(Lease), row)
        raise ValueError("too late")

    good = Counter()
    duties = Duty("half", MOMENT, write_and_fail), Duty("good", MOMENT, good.work)

    async with running(make_scheduler(database, settings, "a", *duties)):
        await good.reaches(3)

    assert [1] == await count_rows(database, Lease)  # the leader's own


async def test_only_the_leader_does_what_is_for_the_leader(database: Database, settings: Settings) -> None:
    for_one, for_all = Counter(), Counter()
    duties = Duty("one", MOMENT, for_one.work), Duty("all", MOMENT, for_all.work, leader_only=False)
    follower = make_scheduler(database, settings.model_copy(update={"scheduler_enabled": False}), "a", *duties)

    async with running(follower):
        await for_all.reaches(3)

    assert 0 == for_one.times
