"""How the database would carry out what the application really asks."""

from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database

Ask = Callable[[AsyncSession], Awaitable[Any]]


async def plan_of(database: Database, ask: Ask, table: str) -> str:
    """Ask, take back what that did, and return how the first statement that names the table is carried out."""
    seen: list[tuple[str, Any]] = []
    listener = ("before_cursor_execute", lambda _connection, _cursor, sql, values, *_: seen.append((sql, values)))
    async with AsyncSession(database.writer) as session:
        sa.event.listen(database.writer.sync_engine, *listener)
        await ask(session)
        sa.event.remove(database.writer.sync_engine, *listener)
        await session.rollback()
    sql, values = next((sql, values) for sql, values in seen if table in sql)
    prefix = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (COSTS OFF)"
    async with database.writer.connect() as connection:
        return "\n".join(str(row[-1]) for row in await connection.exec_driver_sql(f"{prefix} {sql}", values))
