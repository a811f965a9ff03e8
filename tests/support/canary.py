"""Looking for a text where it must not be."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only


async def dump(database: Database) -> str:
    """Write out every row of every table."""
    async with read_only(database) as session:
        rows: list[Sequence[Any]] = []
        for table in SQLModel.metadata.sorted_tables:
            rows += (await session.execute(sa.select(table))).all()
    return repr(rows)
