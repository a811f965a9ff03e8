"""The transaction of a request.

`SessionDep` has function scope: FastAPI leaves it after the endpoint has returned and before the first byte of the answer,
so a caller who reads a 2xx knows that it is stored, and a failed commit becomes an error answer. An exception on the way
rolls back. Nothing may be read from the session while a response streams.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from stationmaster.db.engine import Database
from stationmaster.db.session import before_commit, read_only, unit_of_work


def database_of(connection: HTTPConnection) -> Database:
    """Return the database that the lifespan opened."""
    database: Database = connection.app.state.database
    return database


async def open_session(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    """Give a transaction that is committed when the endpoint has returned and rolled back when it has not.

    `connection.state.before_commit` may hold works that belong into the transaction of this request.
    """
    async with unit_of_work(database_of(connection)) as session:
        for work in getattr(connection.state, "before_commit", ()):
            before_commit(session, work)
        yield session


async def open_read_session(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    """Give a transaction that can only read; it never waits for writers."""
    async with read_only(database_of(connection)) as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(open_session, scope="function")]
ReadSessionDep = Annotated[AsyncSession, Depends(open_read_session, scope="function")]
