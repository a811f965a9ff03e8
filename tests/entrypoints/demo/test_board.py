"""The board tells of each execution once, when it has ended."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database, open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.entrypoints.demo.board import HEADING, Board, describe
from tests.entrypoints.cli.process import free_port
from tests.support.executions import make_spec, read, store


async def end(database: Database, id_: UUID, **columns: Any) -> None:
    async with unit_of_work(database) as session:
        facts = {"state": State.SUCCEEDED, "finished_at": await database_now(session)} | columns
        await session.execute(sa.update(Execution).where(Execution.id == id_).values(**facts))  # type: ignore[arg-type]


async def test_each_is_told_once_in_the_order_of_its_end(database: Database) -> None:
    board = Board(database)
    first, second, third = await store(database, make_spec(), 3)

    assert [] == await board.list_ended()
    await end(database, second)
    await end(database, first)
    assert [second, first] == [execution.id for execution in await board.list_ended()]
    await end(database, third)
    assert [third] == [execution.id for execution in await board.list_ended()]
    assert [] == await board.list_ended()


async def test_it_begins_with_a_heading_and_with_what_ends_from_now_on(database: Database) -> None:
    [before, after] = await store(database, make_spec(), 2)
    await end(database, before)
    lines = Board(database).lines()

    assert (HEADING, "bold") == await anext(lines)
    await end(database, after, state=State.FAILED, error="No answer.")
    line, style = await anext(lines)
    assert (True, "red") == (line.endswith("No answer."), style)
    await lines.aclose()


async def test_a_database_that_is_away_is_waited_for() -> None:
    async with open_database(f"postgresql+asyncpg://ada@127.0.0.1:{free_port()}/x") as database:
        assert [] == await Board(database).list_ended()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"duration_seconds": 0.0123, "attempt": 1}, "succeeded  nightly                     -      12 ms  1/1"),
        (
            {"state": State.FAILED, "attempt": 1, "error": "The target answered 500."},
            "failed     nightly                     -          -  1/1      The target answered 500.",
        ),
        (
            {"state": State.SKIPPED, "reason": Reason.MERGED, "slot_count": 7},
            "skipped    nightly                     -          -  0/1      7 slots, merged",
        ),
        (
            {"state": State.SKIPPED, "reason": Reason.OVERLAP},
            "skipped    nightly                     -          -  0/1      overlap",
        ),
    ],
)
async def test_a_line_says_what_became_of_it(database: Database, columns: dict[str, Any], expected: str) -> None:
    [id_] = await store(database, make_spec(), job_name="nightly")
    await end(database, id_, **columns)

    assert expected == describe(await read(database, id_))[14:]
