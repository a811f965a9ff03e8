"""What every replica asks many times a second is read from a small index, however many executions there are."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database, open_database
from stationmaster.domains.executions import aftermath, breaker, overlap, queue, repository, rescue
from stationmaster.domains.executions.models import Breaker, Execution
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.kit.ids import new_id
from tests.support.databases import Databases, Dialect
from tests.support.plans import Ask, plan_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SUCCEEDED, QUEUED = 10_000, 2_000
TERM = timedelta(seconds=15)


def make_row(state: State) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": "webhook",
        "trigger": Trigger.SCHEDULE,
        "state": state,
        "host": "example.com",
        "queued_at": NOW,
        "available_at": NOW,
        "turn_at": NOW,
    }


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Name the kind of database; these tests take back what they do and share one."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(scope="module")
async def full(databases: Databases, dialect: Dialect) -> AsyncIterator[Database]:
    """Open a database with many executions, some of which wait."""
    rows = [make_row(State.SUCCEEDED) for _ in range(SUCCEEDED)] + [make_row(State.QUEUED) for _ in range(QUEUED)]
    async with databases.migrated(dialect) as url, open_database(url) as database:
        async with database.writer.begin() as connection:
            await connection.execute(sa.insert(table_of(Execution)), rows)
            await connection.execute(sa.insert(table_of(Breaker)), [{"host": "example.com", "open_until": NOW}])
        async with database.writer.begin() as connection:
            await connection.execute(sa.text("ANALYZE"))
        yield database


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (
            lambda session: queue.list_candidates(session, limit=5, full_hosts=["busy.example.com"]),
            "ix_executions_turn",
        ),
        (lambda session: queue.list_probe(session, "example.com"), "ix_executions_turn"),
        (lambda session: queue.renew(session, tokens=[new_id()], lease=TERM), "ix_executions_running"),
        (lambda session: queue.find_cancelled(session, {new_id()}), "ix_executions_running"),
        (rescue.rescue, "ix_executions_"),
        (lambda session: repository.count_due(session, NOW), "ix_executions_"),
        (overlap.release_held, "ix_executions_held"),
        (breaker.take_probes, "ix_executions_"),
        (lambda session: aftermath.follow_up(session, []), "ix_executions_watched"),
    ],
    ids=["candidates", "probe", "renew", "cancelled", "rescue", "due", "held", "probes", "watched"],
)
async def test_an_index_of_few_rows_is_enough(full: Database, ask: Ask, index: str) -> None:
    plan = await plan_of(full, ask, "executions")

    assert "Seq Scan on executions" not in plan
    if full.is_sqlite:
        assert index in plan


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_what_waits_is_in_its_order_already(full: Database) -> None:
    plan = await plan_of(full, lambda session: queue.list_candidates(session, limit=5, full_hosts=[]), "executions")

    assert "TEMP B-TREE" not in plan
