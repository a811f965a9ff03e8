"""The queue of builds: one builder for each version, whatever crashes."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.scripts.builds import claims
from stationmaster.domains.scripts.builds.claims import MOST_BEGUN, Claim, NotOurs
from stationmaster.domains.scripts.builds.models import Build
from stationmaster.domains.scripts.models import Status
from tests.domains.scripts.builds.stock import HELLO, LEASE, make_stock


async def claim(database: Database) -> Claim | None:
    async with unit_of_work(database) as session:
        return await claims.claim(session, LEASE)


async def must_claim(database: Database) -> Claim:
    claimed = await claim(database)
    assert claimed is not None
    return claimed


async def crash(database: Database) -> None:
    """Let the builder die, and its lease run out."""
    async with unit_of_work(database) as session:
        past = await database_now(session) - timedelta(seconds=1)
        await session.execute(sa.update(Build).values(lease_until=past).where(col(Build.begun) > 0))


async def test_the_oldest_version_is_taken_once(database: Database) -> None:
    first = await make_stock(database, HELLO)
    second = await make_stock(database, HELLO)
    taken = await asyncio.gather(*(claim(database) for _ in range(3)))

    assert {first.script_id, second.script_id, None} == {each and each.script_id for each in taken}
    assert (Status.BUILDING, Status.BUILDING) == ((await first.script()).status, (await first.version()).status)


async def test_a_success_becomes_the_current_version(database: Database) -> None:
    stock = await make_stock(database, HELLO)
    claimed = await must_claim(database)
    async with unit_of_work(database) as session:
        await claims.succeed(session, claimed, "sha256:abc")
    script, version = await stock.script(), await stock.version()

    assert (Status.SUCCESS, "sha256:abc", 1, Status.SUCCESS) == (
        version.status,
        version.image,
        script.current_version,
        script.status,
    )
    assert version.finished_at is not None
    assert "Version 1 is ready." == (await stock.log())[-1]
    assert await claim(database) is None


async def test_a_failure_leaves_the_former_version_running(database: Database) -> None:
    stock = await make_stock(database, HELLO)
    first = await must_claim(database)
    async with unit_of_work(database) as session:
        await claims.succeed(session, first, "sha256:abc")
    await stock.hand_in(HELLO)
    second = await must_claim(database)
    async with unit_of_work(database) as session:
        await claims.fail(session, second, "no such package")
    script, version = await stock.script(), await stock.version(2)

    assert (1, Status.FAILED) == (script.current_version, script.status)
    assert (Status.FAILED, "no such package") == (version.status, version.error)


async def test_an_older_version_that_is_ready_later_does_not_push_the_younger_aside(database: Database) -> None:
    stock = await make_stock(database, HELLO)
    older = await must_claim(database)
    await stock.hand_in(HELLO)
    younger = await must_claim(database)
    for claimed in (younger, older):
        async with unit_of_work(database) as session:
            await claims.succeed(session, claimed, f"sha256:{claimed.number}")

    assert 2 == (await stock.script()).current_version


async def test_a_builder_that_died_is_followed_by_another_and_can_write_no_more(database: Database) -> None:
    stock = await make_stock(database, HELLO)
    dead = await must_claim(database)
    assert await claim(database) is None
    await crash(database)
    alive = await must_claim(database)

    with pytest.raises(NotOurs):
        async with unit_of_work(database) as session:
            await claims.succeed(session, dead, "sha256:dead")
    with pytest.raises(NotOurs):
        async with unit_of_work(database) as session:
            await claims.renew(session, dead, ["too late"])
    assert dead.version_id == alive.version_id
    assert "too late" not in await stock.log()


async def test_what_never_ends_is_given_up(database: Database) -> None:
    stock = await make_stock(database, HELLO)
    for _ in range(MOST_BEGUN):
        await must_claim(database)
        await crash(database)

    assert await claim(database) is None
    assert Status.FAILED is (await stock.version()).status


async def test_what_could_not_be_built_now_is_begun_again_a_little_later(database: Database) -> None:
    stock = await make_stock(database, HELLO)
    claimed = await must_claim(database)
    async with unit_of_work(database) as session:
        await claims.release(session, claimed, "The engine went away.")

    assert await claim(database) is None
    await crash(database)
    assert (await must_claim(database)).version_id == claimed.version_id
    assert "The engine went away." in await stock.log()
