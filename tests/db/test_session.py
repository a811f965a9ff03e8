"""The unit of work: all or nothing, and writers that queue instead of failing."""

import asyncio
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database
from stationmaster.db.leases import Lease
from stationmaster.db.notify import Wake, notify, waiting_for
from stationmaster.db.session import before_commit, read_only, unit_of_work
from stationmaster.kit import clock
from tests.support.databases import ONLY_SQLITE

LEASES = table_of(Lease)


def counter(value: int = 0, name: str = "counter") -> Lease:
    return Lease(name=name, holder="test", epoch=value, acquired_at=clock.now(), expires_at=clock.now())


async def value_of(database: Database, name: str = "counter") -> int | None:
    async with read_only(database) as session:
        return await session.scalar(select(Lease.epoch).where(Lease.name == name))


async def test_stores_what_it_was_given(database: Database) -> None:
    async with unit_of_work(database) as session:
        session.add(counter(7))

    assert 7 == await value_of(database)


async def fail_after(database: Database, work: Callable[[AsyncSession], None]) -> None:
    async with unit_of_work(database) as session:
        work(session)
        await session.flush()
        raise RuntimeError


async def test_stores_nothing_when_anything_goes_wrong(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await fail_after(database, lambda session: session.add(counter()))

    assert await value_of(database) is None


async def test_no_update_is_lost_when_many_read_and_then_write(database: Database) -> None:
    async with unit_of_work(database) as session:
        session.add(counter())

    async def increment() -> None:
        async with unit_of_work(database) as session:
            found = await session.scalar(select(Lease).with_for_update())
            assert found is not None
            found.epoch += 1

    await asyncio.gather(*(increment() for _ in range(50)))

    assert 50 == await value_of(database)


@ONLY_SQLITE
async def test_writers_queue_and_never_hear_that_the_database_is_locked(database: Database) -> None:
    async def write(number: int) -> None:
        async with unit_of_work(database) as session:
            session.add(counter(number, f"row-{number}"))

    await asyncio.gather(*(write(number) for number in range(100)))

    async with read_only(database) as session:
        assert 100 == await session.scalar(sa.select(sa.func.count()).select_from(LEASES))


@ONLY_SQLITE
async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    async with unit_of_work(database) as session:
        session.add(counter())
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Lease).values(epoch=1))

        seen = await asyncio.wait_for(value_of(database), 2)

    assert 0 == seen


async def test_a_reading_session_cannot_write(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError):
        async with read_only(database) as session:
            await session.execute(sa.insert(LEASES).values(counter().model_dump()))


async def test_what_is_to_be_done_last_is_done_once_in_the_same_transaction(database: Database) -> None:
    seen: list[int | None] = []

    async def look(session: AsyncSession) -> None:
        seen.append(await session.scalar(select(Lease.epoch)))
        session.add(counter(8, "last"))

    async with unit_of_work(database) as session:
        before_commit(session, look)
        before_commit(session, look)
        session.add(counter(7))

    assert [7] == seen
    assert 8 == await value_of(database, "last")


async def test_a_transaction_whose_last_work_fails_stores_nothing(database: Database) -> None:
    async def fail(_session: AsyncSession) -> None:
        raise RuntimeError

    async def work() -> None:
        async with unit_of_work(database) as session:
            before_commit(session, fail)
            session.add(counter(7))

    with pytest.raises(RuntimeError):
        await work()

    assert await value_of(database) is None


async def test_a_failed_transaction_does_not_come_to_its_last_work(database: Database) -> None:
    done: list[object] = []

    async def work(session: AsyncSession) -> None:
        done.append(session)

    with pytest.raises(RuntimeError):
        await fail_after(database, lambda session: before_commit(session, work))

    assert done == []


async def test_wake_ups_leave_after_the_commit_and_only_then(database: Database) -> None:
    async with waiting_for(database, Wake.QUEUE) as woken, unit_of_work(database) as session:
        notify(session, Wake.QUEUE)
        await session.flush()
        before = woken.is_set()

    assert not before
    assert woken.is_set()


async def test_a_failed_unit_wakes_nobody(database: Database) -> None:
    async with waiting_for(database, Wake.QUEUE) as woken:
        with pytest.raises(RuntimeError):
            await fail_after(database, lambda session: notify(session, Wake.QUEUE))

    assert not woken.is_set()
