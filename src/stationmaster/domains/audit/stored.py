"""Rows as the bytes that are stored, the same on both databases.

The chain covers these and not what Python reads out of them: a changed byte that makes a value unreadable must be found like
any other. A key is written as 32 hexadecimal digits, an instant as SQLite stores it (UTC, microseconds), a number in decimal.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from stationmaster.db.base import table_of
from stationmaster.db.statements import dialect_of
from stationmaster.domains.audit.models import AuditCheckpoint, AuditLog, AuditSeal

ENTRIES = table_of(AuditLog)
SEALS = table_of(AuditSeal)
ENTRY_FACTS = [column for column in ENTRIES.c if column.name not in {"sequence", "digest"}]
CHECKPOINTS = table_of(AuditCheckpoint)
CHECKPOINT_FACTS = [column for column in CHECKPOINTS.c if column.name != "digest"]
SEAL_FACTS = [column for column in SEALS.c if column.name != "digest"]


def stored_bytes(session: AsyncSession, columns: Iterable[sa.Column[Any]]) -> list[sa.ColumnElement[bytes]]:
    """Return expressions that read columns as bytes; NULL stays None."""
    as_bytes = _in_sqlite if dialect_of(session) == "sqlite" else _in_postgresql
    return [as_bytes(column).label(f"{column.name}_bytes") for column in columns]


def _in_sqlite(column: sa.Column[Any]) -> sa.ColumnElement[bytes]:
    return sa.cast(column, sa.LargeBinary)


def _in_postgresql(column: sa.Column[Any]) -> sa.ColumnElement[bytes]:
    return sa.func.convert_to(_postgresql_text(column), "UTF8", type_=sa.LargeBinary)


def _postgresql_text(column: sa.Column[Any]) -> sa.ColumnElement[str]:
    if isinstance(column.type, sa.Uuid):
        return sa.func.replace(sa.cast(column, sa.Text), "-", "")
    if isinstance(column.type, UTCDateTime):
        return sa.func.to_char(sa.func.timezone("UTC", column), "YYYY-MM-DD HH24:MI:SS.US")
    return sa.cast(column, sa.Text)
