"""A delay that grows and always ends."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from stationmaster.config import LoginSettings
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.auth import lockout
from stationmaster.domains.auth.errors import TooManyFailures
from stationmaster.domains.auth.models import LoginFailures
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id

SETTINGS = LoginSettings(free_failures=3, first_delay=timedelta(seconds=30), max_delay=timedelta(minutes=4))
SUBJECT = lockout.subject_of(None, "nobody")


async def wait_after(session: AsyncSession, failures: int) -> float:
    for _ in range(failures):
        await lockout.record_failure(session, SUBJECT, SETTINGS)
    try:
        await lockout.check(session, SUBJECT)
    except TooManyFailures as refusal:
        return refusal.retry_after_seconds or 0
    return 0


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (2, 0), (3, 30), (4, 60), (5, 120), (6, 240), (7, 240), (100, 240)]
)
async def test_grows_up_to_a_limit(session: AsyncSession, failures: int, seconds: int) -> None:
    assert await wait_after(session, failures) == pytest.approx(seconds, abs=1)


async def test_ends_by_itself(session: AsyncSession) -> None:
    await wait_after(session, 3)
    past = clock.now() - timedelta(seconds=1)
    await session.execute(sa.update(LoginFailures).values(locked_until=past))

    await lockout.check(session, SUBJECT)


async def test_a_login_starts_anew(session: AsyncSession) -> None:
    await wait_after(session, 3)

    await lockout.forget(session, SUBJECT)

    assert await wait_after(session, 2) == 0


async def test_yesterdays_failures_are_forgotten(session: AsyncSession) -> None:
    await wait_after(session, 2)
    yesterday = clock.now() - lockout.FORGET_AFTER - timedelta(minutes=1)
    await session.execute(sa.update(LoginFailures).values(last_failed_at=yesterday))

    assert await wait_after(session, 1) == 0


async def test_counts_each_of_parallel_failures(database: Database) -> None:
    async def fail() -> None:
        async with unit_of_work(database) as session:
            await lockout.record_failure(session, SUBJECT, SETTINGS)

    await asyncio.gather(*(fail() for _ in range(10)))

    async with read_only(database) as session:
        assert await session.scalar(sa.select(col(LoginFailures.count))) == 10


def test_an_account_has_one_subject_whatever_was_typed() -> None:
    user_id = new_id()

    assert lockout.subject_of(user_id, "ada") == lockout.subject_of(user_id, "ada@example.com")
    assert lockout.subject_of(None, "ada") != lockout.subject_of(None, "bob")
    assert lockout.subject_of(None, str(user_id)) != lockout.subject_of(user_id, "")
