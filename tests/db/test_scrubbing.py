"""What was erased is not in the files of SQLite any more."""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from stationmaster.db.engine import Database, open_database
from stationmaster.db.notify import Wake, notify
from stationmaster.db.scrubbing import Scrubber, scrub
from stationmaster.db.session import read_only, unit_of_work
from tests.support.databases import ONLY_SQLITE
from tests.support.executions import eventually

MARK = "somebody whom nobody is to find"


def is_found(database: Database) -> bool:
    file = Path(make_url(database.url).database or "")
    paths = [path for path in (file, file.with_name(f"{file.name}-wal")) if path.exists()]
    return any(MARK.encode() in path.read_bytes() for path in paths)


async def plant(database: Database, rows: int = 20) -> None:
    """Store rows, so few that their page is not divided: SQLite leaves copies behind when it does that."""
    async with unit_of_work(database) as session:
        await session.execute(sa.text("CREATE TABLE planted (id INTEGER PRIMARY KEY, text TEXT, other TEXT)"))
        values = [{"text": f"{MARK} {number}", "other": "x"} for number in range(rows)]
        await session.execute(sa.text("INSERT INTO planted (text, other) VALUES (:text, :other)"), values)


@ONLY_SQLITE
async def test_nothing_is_left_in_the_bytes(database: Database) -> None:
    await plant(database)
    await scrub(database)
    assert is_found(database)

    async with unit_of_work(database) as session:
        await session.execute(sa.text("UPDATE planted SET text = 'nobody' WHERE id % 3 = 0"))
        await session.execute(sa.text("DELETE FROM planted WHERE id % 3 > 0"))

    assert await scrub(database)
    assert not is_found(database)


@ONLY_SQLITE
async def test_the_log_is_emptied_at_each_erasure_once_its_readers_let_go(database: Database) -> None:
    await plant(database)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(Scrubber(database).run())
        async with open_database(database.url) as other, read_only(other) as reading:
            await reading.execute(sa.text("SELECT count(*) FROM planted"))
            async with unit_of_work(database) as session:
                await session.execute(sa.text("DELETE FROM planted"))
                notify(session, Wake.ERASED)
            assert not await scrub(database)

        async def is_gone() -> bool:
            return not is_found(database)

        await eventually(is_gone, 20)
        working.cancel()
