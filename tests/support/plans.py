"""How the database would carry out what the application really asks."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from stationmaster.db.engine import Database

Ask = Callable[[AsyncSession], Awaitable[Any]]


@contextmanager
def statements_on(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """Give the list of what is asked of an engine meanwhile: the texts, with their parameters."""
    seen: list[tuple[str, Any]] = []
    listener = ("before_cursor_execute", lambda _connection, _cursor, sql, values, *_: seen.append((sql, values)))
    sa.event.listen(engine.sync_engine, *listener)
    try:
        yield seen
    finally:
        sa.event.remove(engine.sync_engine, *listener)


async def explain(database: Database, sql: str, values: Any) -> str:
    """Return how a statement would be carried out."""
    prefix = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (COSTS OFF)"
    async with database.writer.connect() as connection:
        return "\n".join(str(row[-1]) for row in await connection.exec_driver_sql(f"{prefix} {sql}", values))


async def plan_of(database: Database, ask: Ask, table: str) -> str:
    """Ask, take back what that did, and return how the first statement that names the table is carried out."""
    async with AsyncSession(database.writer) as session:
        with statements_on(database.writer) as seen:
            await ask(session)
        await session.rollback()
    return await explain(database, *next((sql, values) for sql, values in seen if table in sql))
