"""Every operation that changes something leaves exactly one entry, and changes nothing when it cannot."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.tables import metadata
from tests.domains.audit.operations import MUTATING, ROWS, Stage

pytestmark = pytest.mark.timeout(300)  # each walks through all operations


def test_every_operation_that_changes_something_has_a_row() -> None:
    assert ROWS.keys() == {operation for operation, (*_, is_audited) in MUTATING.items() if is_audited}


def test_only_these_change_nothing() -> None:
    assert MUTATING.keys() - ROWS.keys() == {
        "validate_cron",
        "preview_cron",
        "convert_jobs",
        "ping_with_text",
        "ping_signal_with_text",
    }


async def test_each_leaves_exactly_one_entry(app: FastAPI, client: httpx.AsyncClient) -> None:
    found = {}
    for operation, row in ROWS.items():
        stage = await Stage.open_for(operation, app, client)
        answer, entries = await stage.call(operation, **await row.prepare(stage))
        found[operation] = (answer.is_success, [(entry.action, entry.outcome) for entry in entries])

    assert found == {operation: (True, [(operation, "success")]) for operation in ROWS}


async def test_each_changes_nothing_when_its_entry_is_refused(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Proves that change and entry are one transaction."""
    database: Database = app.state.database
    plain = await Stage.open(app, client)  # nothing changes it, so one serves all that take no preparing
    found = {}
    for operation, row in ROWS.items():
        stage = plain if row.is_plain else await Stage.open(app, client)
        request = await row.prepare(stage)
        await refuse_entries(database)
        before = await read_everything(database)
        answer, _ = await stage.call(operation, **request)
        found[operation] = (answer.is_success, await read_everything(database) == before)
        await allow_entries(database)

    assert found == dict.fromkeys(ROWS, (False, True))


async def refuse_entries(database: Database) -> None:
    if database.is_sqlite:
        body = "BEGIN SELECT RAISE(ABORT, 'no room'); END"
        await execute(database, f"CREATE TRIGGER full BEFORE INSERT ON audit_logs {body}")
    else:
        await execute(database, "CREATE TRIGGER zz BEFORE INSERT ON audit_logs EXECUTE FUNCTION refuse_change()")


async def allow_entries(database: Database) -> None:
    await execute(database, "DROP TRIGGER full" if database.is_sqlite else "DROP TRIGGER zz ON audit_logs")


async def execute(database: Database, statement: str) -> None:
    async with unit_of_work(database) as session:
        await session.execute(sa.text(statement))


async def read_everything(database: Database) -> dict[str, list[Any]]:
    async with read_only(database) as session:
        return {
            name: sorted((await session.execute(sa.select(table))).all(), key=repr)
            for name, table in metadata.tables.items()
        }
