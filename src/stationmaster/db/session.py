"""THE place that commits.

A unit of work is one transaction: everything in it is stored, or nothing is. Services flush and never commit; a test reads
the source tree and fails on any other call of `commit`. No call to the outside world happens inside one.

Wake-ups that were asked for with `notify` leave with the transaction: on PostgreSQL inside it (NOTIFY is delivered at
commit), in this process right after it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.notify import pending_subjects, send_local, send_remote

Work = Callable[[AsyncSession], Awaitable[None]]

_LAST_WORKS = "before_commit"


@asynccontextmanager
async def unit_of_work(database: Database, *, engine: AsyncEngine | None = None) -> AsyncIterator[AsyncSession]:
    """Open a transaction for writing; commit at the end, roll back on any error."""
    async with AsyncSession(engine or database.writer, expire_on_commit=False, autoflush=False) as session:
        yield session
        await finish(database, session)


async def finish(database: Database, session: AsyncSession) -> None:
    """Flush and commit, and let the wake-ups go."""
    await session.flush()
    for work in session.info.get(_LAST_WORKS, ()):
        await work(session)
    await send_remote(database, session)
    await session.commit()
    send_local(database, pending_subjects(session))


def before_commit(session: AsyncSession, work: Work) -> None:
    """Have something done last in this session's transaction; the same work is done once, and not at all if it fails."""
    works: list[Work] = session.info.setdefault(_LAST_WORKS, [])
    if work not in works:
        works.append(work)


@asynccontextmanager
async def read_only(database: Database) -> AsyncIterator[AsyncSession]:
    """Open a transaction that may only read."""
    async with AsyncSession(database.reader, expire_on_commit=False, autoflush=False) as session:
        if not database.is_sqlite:
            await session.connection(execution_options={"postgresql_readonly": True})
        yield session
