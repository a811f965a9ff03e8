"""The database refuses to change the audit log, whoever asks."""

import pytest
from sqlalchemy.exc import DBAPIError

from stationmaster.db.engine import Database
from stationmaster.domains.audit.models import DIGEST_LENGTH
from tests.domains.audit.reading import execute, read_entries, read_seals, seal, write
from tests.support.databases import ONLY_POSTGRESQL, ONLY_SQLITE

SEALED = f"sequence = 99, digest = '{'0' * DIGEST_LENGTH}'"


async def assert_refused(database: Database, statement: str) -> None:
    before = repr([await read_entries(database), await read_seals(database)])

    with pytest.raises(DBAPIError, match="append-only"):
        await execute(database, statement)

    assert before == repr([await read_entries(database), await read_seals(database)])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logs SET action = 'delete_job'",
        "UPDATE audit_logs SET before = NULL, after = NULL",
        "UPDATE audit_logs SET sequence = sequence + 1",
        "UPDATE audit_logs SET sequence = NULL, digest = NULL",
        f"UPDATE audit_logs SET {SEALED}",
        "DELETE FROM audit_logs",
        "UPDATE audit_seals SET root = previous",
        "DELETE FROM audit_seals",
    ],
)
async def test_what_is_sealed_stays(database: Database, statement: str) -> None:
    await write(database, 2)
    await seal(database)

    await assert_refused(database, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logs SET user_id = NULL, action = 'x'",
        f"UPDATE audit_logs SET action = 'x', {SEALED}",
        "DELETE FROM audit_logs",
    ],
)
async def test_what_is_not_sealed_yet_stays_too(database: Database, statement: str) -> None:
    await write(database)

    await assert_refused(database, statement)


async def test_an_entry_cannot_come_with_a_seal(database: Database) -> None:
    columns = "id, at, actor_kind, action, outcome, sequence, digest"
    values = f"'{'0' * 32}', CURRENT_TIMESTAMP, 'operator', 'x', 'success', 1, '{'0' * DIGEST_LENGTH}'"

    await assert_refused(database, f"INSERT INTO audit_logs ({columns}) VALUES ({values})")


@ONLY_POSTGRESQL
@pytest.mark.parametrize("table", ["audit_logs", "audit_seals"])
async def test_the_tables_cannot_be_emptied(database: Database, table: str) -> None:
    await assert_refused(database, f"TRUNCATE {table}")


@ONLY_SQLITE
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO audit_logs SELECT * FROM (SELECT * FROM audit_logs WHERE sequence IS NULL)",
        "UPDATE OR REPLACE audit_logs SET sequence = 1, digest = 'x' WHERE sequence IS NULL",
        "INSERT OR REPLACE INTO audit_seals SELECT * FROM audit_seals",
    ],
)
async def test_nothing_can_be_replaced(database: Database, statement: str) -> None:
    await write(database)
    await seal(database)
    await write(database)

    await assert_refused(database, statement)
