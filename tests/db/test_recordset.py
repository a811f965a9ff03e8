"""Many rows as one parameter, on both databases with the same result."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic_core import PydanticSerializationError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from stationmaster.db.base import Json, table_of
from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_SQLITE

COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Uuid(),
    "at": UTCDateTime(),
    "number": sa.Integer(),
    "ratio": sa.Float(),
    "text": sa.Text(),
    "document": Json,
}


async def test_every_type_survives(session: AsyncSession) -> None:
    row = {
        "id": new_id(),
        "at": datetime(2026, 11, 21, 2, 30, 0, 123456, tzinfo=UTC),
        "number": -7,
        "ratio": 0.25,
        "text": 'it\'s "quoted" \\ ü\n',
        "document": {"a": [1, None, "x"]},
    }
    table = recordset(session, "rows", COLUMNS)
    typed = [sa.type_coerce(table.c[name], kind) for name, kind in COLUMNS.items()]

    [found] = (await session.execute(sa.select(*typed), {"rows": encode_rows(session, [row])})).all()

    assert tuple(row.values()) == tuple(found)


async def test_null_is_null_in_every_column(session: AsyncSession) -> None:
    table = recordset(session, "rows", COLUMNS)
    nothing = sa.select(*(table.c[name].is_(None) for name in COLUMNS))

    [found] = (await session.execute(nothing, {"rows": encode_rows(session, [dict.fromkeys(COLUMNS)])})).all()

    assert [True] * len(COLUMNS) == [bool(value) for value in found]


async def test_keeps_count_of_many_rows(session: AsyncSession) -> None:
    table = recordset(session, "rows", {"number": sa.Integer()})
    rows = [{"number": number} for number in range(5000)]

    total = await session.scalar(sa.select(sa.func.sum(table.c.number)), {"rows": encode_rows(session, rows)})

    assert sum(range(5000)) == total


@ONLY_SQLITE
async def test_a_join_does_not_read_the_document_again_for_each_row(session: AsyncSession) -> None:
    table, executions = recordset(session, "rows", {"id": sa.Uuid()}), table_of(Execution)
    joined = sa.select(executions.c.id).where(executions.c.id == table.c.id, executions.c.state == State.RUNNING)
    connection = await session.connection()
    compiled = joined.compile(dialect=connection.dialect)
    nothing = (None,) * len(compiled.positiontup or ())

    plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", nothing)

    assert "MATERIALIZE r" in [row.detail for row in plan]


async def test_refuses_what_it_cannot_carry(session: AsyncSession) -> None:
    with pytest.raises((TypeError, PydanticSerializationError), match="object"):
        encode_rows(session, [{"number": object()}])
