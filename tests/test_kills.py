"""The small version of `python -m bench.tracking kills`: a workflow on a real process that is killed in each step."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench.kills import STEPS, kill_in_each_step
from bench.replica import running_replica, settings_for

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.engine import open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from tests.support.stable import Stable, open_stable

CALL_MS = 300


@pytest.fixture(scope="module")
def stable() -> Iterator[Stable]:
    """Load the service once for all its starts."""
    with open_stable() as opened:
        yield opened


async def end_leases(url: str) -> None:
    """Let the leases of the dead run out now; they are long, so that none does while its replica lives."""
    table = table_of(Execution)
    async with open_database(url) as database, unit_of_work(database) as session:
        past = await database_now(session) - timedelta(seconds=1)
        held = sa.update(table).where(table.c.state == State.RUNNING)
        await session.execute(held.values(lease_until=past))


@pytest.mark.timeout(240)  # 20 s beside other work, a minute where there is much of it
async def test_a_workflow_whose_service_is_killed_in_each_step_ends_right(
    stable: Stable, database_url: str, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path)
    async with running_replica(settings, tmp_path / "service.log", launch=stable.launch) as replica:
        ending = await kill_in_each_step(replica, tmp_path, call_ms=CALL_MS, on_death=lambda: end_leases(database_url))

    assert "completed" == ending.run["status"]
    assert dict.fromkeys(STEPS, "success") == ending.statuses
    assert ending.is_right(), f"calls: {ending.calls_of_steps}, by message id: {ending.calls}"
