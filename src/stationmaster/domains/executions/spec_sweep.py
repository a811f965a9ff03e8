"""Forgetting specs that nothing names any more: each change of a job leaves one behind, and each removal of an execution.

Who names specs is read from the foreign keys, so a room that begins to name them need not say so here. A young spec is left
alone: the row that will name it may stand in a transaction that is still open.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.statements import delete_some
from stationmaster.domains.executions.models import Spec
from stationmaster.domains.executions.specs import rows

YOUNG = timedelta(hours=1)


async def forget_unnamed(session: AsyncSession) -> int:
    """Delete specs that no row of any table names; return how many. Done by a duty, a bounded number at a time."""
    is_old = rows.c.created_at < await database_now(session) - YOUNG
    return await delete_some(session, Spec, sa.and_(is_old, _is_unnamed()))


async def drop_unnamed(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Delete those of these specs that no row names any more, now and not when the duty comes by."""
    await session.execute(sa.delete(rows).where(rows.c.id.in_(ids), _is_unnamed()))


def _is_unnamed() -> sa.ColumnElement[bool]:
    return sa.and_(*(~_is_in(column) for column in _naming_columns()))


def _naming_columns() -> Iterator[sa.Column[Any]]:
    for table in rows.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column is rows.c.id:
                yield key.parent


def _is_in(column: sa.Column[Any]) -> sa.Exists:
    return sa.exists().where(column == rows.c.id)
