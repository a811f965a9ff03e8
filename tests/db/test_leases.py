"""Rights that run out: one holder at a time, and no write of an old term after a new one."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from stationmaster.db import leases
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.leases import StaleTerm, Term
from stationmaster.db.session import unit_of_work
from tests.support.databases import ONLY_POSTGRESQL

TTL = timedelta(seconds=60)


async def acquire(database: Database, holder: str, ttl: timedelta = TTL) -> Term | None:
    async with unit_of_work(database) as session:
        return await leases.acquire(session, name="x", holder=holder, ttl=ttl)


async def check(database: Database, term: Term) -> None:
    async with unit_of_work(database) as session:
        await leases.fence(session, term)


async def get(database: Database, holder: str, ttl: timedelta = TTL) -> Term:
    term = await acquire(database, holder, ttl)
    assert term is not None
    return term


async def test_the_first_to_ask_gets_it_and_the_others_do_not(database: Database) -> None:
    assert Term("x", "a", 1) == await acquire(database, "a")
    assert await acquire(database, "b") is None


async def test_renewing_keeps_the_epoch_and_prolongs_the_term(database: Database) -> None:
    first = await get(database, "a", timedelta(seconds=5))
    second = await get(database, "a", timedelta(hours=1))

    async with unit_of_work(database) as session:
        lease = await leases.find_lease(session, "x")
        now = await database_now(session)
    assert first == second
    assert lease is not None
    assert lease.expires_at > now + timedelta(minutes=59)


async def test_an_expired_lease_goes_to_the_next_with_a_higher_epoch(database: Database) -> None:
    await get(database, "a", timedelta(seconds=-1))

    assert Term("x", "b", 2) == await acquire(database, "b")


async def test_its_own_expired_lease_is_a_new_term_too(database: Database) -> None:
    """A holder that was frozen must not believe that nobody led in between."""
    await get(database, "a", timedelta(seconds=-1))

    assert Term("x", "a", 2) == await acquire(database, "a")


async def test_the_fence_passes_the_present_term(database: Database) -> None:
    await check(database, await get(database, "a"))


async def test_the_fence_stops_an_expired_term(database: Database) -> None:
    term = await get(database, "a", timedelta(seconds=-1))

    with pytest.raises(StaleTerm):
        await check(database, term)


async def test_the_fence_stops_the_term_before(database: Database) -> None:
    old = await get(database, "a", timedelta(seconds=-1))
    await get(database, "b")

    with pytest.raises(StaleTerm):
        await check(database, old)


async def test_resigning_hands_over_at_once(database: Database) -> None:
    term = await get(database, "a")
    async with unit_of_work(database) as session:
        await leases.resign(session, term)

    assert Term("x", "b", 2) == await acquire(database, "b")


async def test_resigning_an_old_term_does_not_end_the_new_one(database: Database) -> None:
    old = await get(database, "a", timedelta(seconds=-1))
    await get(database, "b")
    async with unit_of_work(database) as session:
        await leases.resign(session, old)

    assert await acquire(database, "c") is None


async def test_of_many_that_ask_at_once_one_wins(database: Database) -> None:
    terms = await asyncio.gather(*(acquire(database, f"replica-{number}") for number in range(8)))

    assert 1 == len([term for term in terms if term])


@ONLY_POSTGRESQL
async def test_nobody_takes_over_inside_a_fenced_transaction(database: Database) -> None:
    """The row lock of the fence makes a take-over wait until the old term's last transaction has ended."""
    term = await get(database, "a")
    async with unit_of_work(database) as fenced:
        await leases.fence(fenced, term)
        async with unit_of_work(database) as rival:
            await rival.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
            with pytest.raises(sa.exc.DBAPIError, match="lock timeout"):
                await rival.execute(sa.update(leases.Lease).values(holder="b"))
            await rival.rollback()
