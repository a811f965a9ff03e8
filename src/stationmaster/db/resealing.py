"""Giving stored values a new key: every sealed text of every column that says it holds some (`base.sealed`).

Batches of rows in short transactions, ordered by key. What is sealed with the present key already is left alone, so that a
walk that was broken off is taken up again by walking once more; and a service may go on working meanwhile, since rows are
locked while they are rewritten.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import Sealed, metadata
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.kit.sealing import CannotOpen, Sealer, is_sealed

BATCH = 200

SealerOf = Callable[[str], Sealer]


@dataclass
class Tally:
    """What became of the sealed texts of one column."""

    resealed: int = 0
    unreadable: int = 0


def sealed_columns() -> list[sa.Column[Any]]:
    """Return every column that holds sealed texts."""
    return [column for table in metadata.sorted_tables for column in table.columns if "sealed" in column.info]


async def reseal_column(database: Database, column: sa.Column[Any], sealer_of: SealerOf) -> Tally:
    """Seal the texts of a column anew; what no key opens stays as it is and is counted."""
    mark: Sealed = column.info["sealed"]
    sealer, tally = sealer_of(mark.purpose), Tally()
    async for session, rows in _batches(database, column):
        changes = [change for row in rows if (change := _change(row, column, mark, sealer, tally))]
        if changes:
            await _write(session, column, changes)
    return tally


async def _batches(
    database: Database, column: sa.Column[Any]
) -> AsyncIterator[tuple[AsyncSession, Sequence[Mapping[str, Any]]]]:
    keys = list(column.table.primary_key.columns)
    statement = sa.select(*keys, column).where(column.is_not(None)).order_by(*keys).limit(BATCH).with_for_update()
    after: tuple[Any, ...] | None = None
    while True:
        async with unit_of_work(database) as session:
            further = statement if after is None else statement.where(sa.tuple_(*keys) > after)
            rows = [dict(row) for row in (await session.execute(further)).mappings()]
            if not rows:
                return
            yield session, rows
        after = tuple(rows[-1][key.name] for key in keys)


def _change(
    row: Mapping[str, Any], column: sa.Column[Any], mark: Sealed, sealer: Sealer, tally: Tally
) -> dict[str, Any] | None:
    """Return the row's key with the new value, or None when nothing in it needs a new key."""
    former = row[column.name]
    new = _Resealing(sealer, tally, is_nested=mark.is_nested).walk(former, mark.row.format_map(row))
    if new == former:
        return None
    keys = {f"key_{key.name}": row[key.name] for key in column.table.primary_key.columns}
    return {**keys, "new_value": new}


@dataclass(frozen=True)
class _Resealing:
    """A walk through one value, which counts what it does."""

    sealer: Sealer
    tally: Tally
    is_nested: bool

    def walk(self, value: Any, row: str) -> Any:
        match value:
            case dict():
                inner = str(value["id"]) if self.is_nested and "id" in value else row
                return {name: self.walk(item, inner) for name, item in value.items()}
            case list():
                return [self.walk(item, row) for item in value]
            case str() if is_sealed(value) and not self.sealer.is_current(value):
                return self._reseal(value, row)
        return value

    def _reseal(self, text: str, row: str) -> str:
        try:
            opened = self.sealer.open(text, row=row)
        except CannotOpen:
            self.tally.unreadable += 1
            return text
        self.tally.resealed += 1
        return self.sealer.seal(opened, row=row)


async def _write(session: AsyncSession, column: sa.Column[Any], changes: list[dict[str, Any]]) -> None:
    """Write the new values; nobody edited these rows, so their `updated_at` stays."""
    table = column.table
    values: dict[str, Any] = {column.name: sa.bindparam("new_value", type_=column.type)}
    if "updated_at" in table.columns:
        values["updated_at"] = table.columns["updated_at"]
    is_row = [key == sa.bindparam(f"key_{key.name}", type_=key.type) for key in table.primary_key.columns]
    connection = await session.connection()
    await connection.execute(sa.update(table).where(*is_row).values(values), changes)
