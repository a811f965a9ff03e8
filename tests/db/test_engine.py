"""What the pools do when the server goes away for a moment."""

import asyncio

import sqlalchemy as sa

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from tests.support.databases import ONLY_POSTGRESQL

OTHERS = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def who(database: Database) -> int:
    """Return the server's process behind a connection, which is held for a moment."""
    async with read_only(database) as session:
        pid: int = (await session.scalars(sa.text("SELECT pg_backend_pid() FROM pg_sleep(0.05)"))).one()
        return pid


@ONLY_POSTGRESQL
async def test_a_connection_that_the_server_has_closed_is_not_given_out(database: Database) -> None:
    before = set(await asyncio.gather(*(who(database) for _ in range(5))))
    async with unit_of_work(database, engine=database.control) as session:
        await session.execute(OTHERS)
    await asyncio.sleep(0.1)  # the news comes over the sockets

    after = set(await asyncio.gather(*(who(database) for _ in range(5))))

    assert len(before) == len(after) == 5
    assert not before & after


@ONLY_POSTGRESQL
async def test_an_open_connection_is_used_again(database: Database) -> None:
    assert await who(database) == await who(database)
