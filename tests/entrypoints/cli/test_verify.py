"""`stationmaster verify`; what it finds is tested where it is found."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from stationmaster.db import migrate
from stationmaster.db.engine import Database, open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.entrypoints.cli.house import run
from stationmaster.entrypoints.cli.verify import EXAMPLES, PROMISES
from tests.entrypoints.cli.conftest import Command
from tests.support.executions import make_spec, store

BROKEN = EXAMPLES + 2


@pytest.fixture
def folder_with_faults(folder: Path) -> Path:
    """Store executions that claim to have ended."""

    async def break_some() -> None:
        url = f"sqlite+aiosqlite:///{folder / 'stationmaster.sqlite3'}"
        await migrate.upgrade(url)
        async with open_database(url) as database:
            await store(database, make_spec(), BROKEN)
            await end_all(database)

    run(break_some())
    return folder


async def end_all(database: Database) -> None:
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Execution).values(finished_at=Execution.queued_at))


def test_a_new_database_keeps_all_promises(command: Command) -> None:
    command("migrate")
    result = command("verify")

    assert 0 == result.exit_code
    assert [] == [promise for promise in PROMISES if promise not in result.stdout]


def test_a_broken_promise_is_told_with_examples(command: Command, folder_with_faults: Path) -> None:
    result = command("verify")

    examples = [line for line in result.stdout.splitlines() if line.startswith("ended: execution ")]
    assert (1, EXAMPLES) == (result.exit_code, len(examples))
    assert f"{BROKEN} violations" in result.stdout
    assert "ended: and 2 more" in result.stdout


def test_machines_read_it_as_json(command: Command, folder_with_faults: Path) -> None:
    result = command("verify", "--json")

    document = json.loads(result.stdout)
    broken = [rule for rule in document["rules"] if rule["violations"]]
    assert (1, False, [("ended", BROKEN)]) == (
        result.exit_code,
        document["ok"],
        [(rule["rule"], rule["violations"]) for rule in broken],
    )
    assert {"rule", "subject", "detail"} == set(broken[0]["examples"][0])


def test_a_database_without_the_schema_is_refused(command: Command) -> None:
    result = command("verify")

    assert (1, True) == (result.exit_code, "Run `stationmaster migrate` first" in result.stderr)
