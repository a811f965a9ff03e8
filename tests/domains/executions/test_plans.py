"""The lists that pages show often are read by an index, however many executions there are."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database, open_database
from stationmaster.db.keyset import read_slice
from stationmaster.db.listing import compile_filter, compile_sort
from stationmaster.domains.executions import repository
from stationmaster.domains.executions.listing import EXECUTIONS, default_sort
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.repository import Filters
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit.filters import parse_filter
from stationmaster.kit.ids import new_id
from stationmaster.kit.sorting import parse_sort
from tests.support.databases import Databases, Dialect
from tests.support.plans import explain, statements_on

ROWS = 20_000
JOBS = [new_id() for _ in range(100)]
DAY = datetime(2026, 11, 1, tzinfo=UTC)
SIZE = 50
VIEWER = Actor("user", JOBS[0], JOBS[0], "a", "a@example.com", Role.USER)


def make_row(number: int) -> dict[str, Any]:
    """Make an execution, one a minute; of a hundred, 96 succeeded."""
    at = DAY + timedelta(minutes=number)
    state = {0: State.SKIPPED, 1: State.FAILED, 2: State.FAILED, 3: State.TIMED_OUT}.get(number % 100, State.SUCCEEDED)
    return {
        "id": new_id(),
        "kind": "webhook",
        "trigger": Trigger.SCHEDULE,
        "state": state,
        "job_id": JOBS[number % len(JOBS)],
        "queued_at": at,
        "available_at": at,
        "turn_at": at,
    }


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Name the kind of database; these tests only read and share one."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(scope="module")
async def full(databases: Databases, dialect: Dialect) -> AsyncIterator[Database]:
    """Open a database with many executions."""
    async with databases.migrated(dialect) as url, open_database(url) as database:
        async with database.writer.begin() as connection:
            await connection.execute(sa.insert(table_of(Execution)), [make_row(number) for number in range(ROWS)])
        async with database.writer.begin() as connection:
            await connection.execute(sa.text("ANALYZE"))
        yield database


async def plan_of(
    database: Database, filters: Filters, *, text: str = "", sort: str = "", is_deep: bool = False
) -> str:
    """Return how a page, or one deep in the list by cursor, is read."""
    conditions = compile_filter(EXECUTIONS, parse_filter(text), parameter="filter", is_admin=True)
    wanted = parse_sort(sort) or default_sort(filters) or parse_sort("-id")
    order = compile_sort(EXECUTIONS, wanted, parameter="sort", is_admin=True)
    statement = repository.list_statement(filters).where(*conditions)
    async with AsyncSession(database.reader) as session:
        cursor = ""
        if is_deep:
            half = await read_slice(session, repository.list_statement(Filters()), order, cursor="", size=ROWS // 2)
            cursor = half.next_cursor or ""
        with statements_on(database.reader) as seen:
            await read_slice(session, statement, order, cursor=cursor, size=SIZE)
    plans = [await explain(database, sql, values) for sql, values in seen if "FROM executions" in sql]
    assert plans
    return "\n".join(plans)


@pytest.mark.parametrize("is_deep", [False, True])
@pytest.mark.parametrize(
    ("filters", "options", "index"),
    [
        (Filters(), {}, None),
        (Filters(), {"sort": "id"}, None),
        (Filters(), {"sort": "-queued_at"}, "ix_executions_queued_at"),
        (Filters(), {"sort": "queued_at"}, "ix_executions_queued_at"),
        (Filters(job_id=JOBS[7]), {}, "ix_executions_job"),
        (Filters(), {"text": f"job_id = {JOBS[7]}"}, "ix_executions_job"),
        (Filters(viewer=VIEWER), {}, None),
        (Filters(viewer=VIEWER), {"sort": "-queued_at"}, "ix_executions_queued_at"),
        (Filters(viewer=VIEWER, job_id=JOBS[7]), {}, "ix_executions_job"),
        (Filters(states=[State.TIMED_OUT]), {}, "ix_executions_state"),
        (Filters(states=[State.QUEUED]), {}, "ix_executions_"),
        (Filters(states=[State.RUNNING]), {}, "ix_executions_"),
        (Filters(), {"text": "state = timed_out"}, "ix_executions_state"),
        (Filters(start=DAY, end=DAY + timedelta(days=1)), {}, "ix_executions_queued_at"),
        (Filters(), {"text": "queued_at = 2026-11-02", "sort": "-queued_at"}, "ix_executions_queued_at"),
    ],
)
async def test_an_index_finds_the_page(
    full: Database, filters: Filters, options: dict[str, str], index: str | None, is_deep: bool
) -> None:
    plan = await plan_of(full, filters, **options, is_deep=is_deep)

    assert "Seq Scan on executions" not in plan
    assert "SCAN executions\n" not in f"{plan}\n"
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
    assert (index or ("sqlite_autoindex_executions_1" if full.is_sqlite else "pk_executions")) in plan


@pytest.mark.parametrize(("sort", "index"), [("-id", "executions"), ("-queued_at", "ix_executions_queued_at")])
async def test_a_cursor_begins_at_its_place(full: Database, sort: str, index: str) -> None:
    plan = await plan_of(full, Filters(), sort=sort, is_deep=True)

    assert ("SEARCH executions USING INDEX" if full.is_sqlite else "Index Cond:") in plan
    assert index in plan
