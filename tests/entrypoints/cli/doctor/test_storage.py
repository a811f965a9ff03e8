"""Examinations of the database and the key."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from stationmaster.config import Settings
from stationmaster.db import migrate
from stationmaster.db.engine import Database
from stationmaster.entrypoints.cli.doctor import storage
from stationmaster.entrypoints.cli.doctor.finding import Status
from stationmaster.entrypoints.secret_key import FILE_NAME, load_secret_key
from stationmaster.kit import clock
from tests.entrypoints.cli.process import free_port
from tests.support.databases import Databases, Dialect

KEY = SecretStr("a secret key of the tests, long enough")


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def make_settings(folder: Path, **values: object) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **values)  # type: ignore[arg-type]


async def test_a_migrated_database_is_fine(settings: Settings) -> None:
    diagnoses = await storage.examine_storage(settings)

    assert [("database", Status.OK), ("schema", Status.OK), ("clock", Status.OK)] == [
        (each.name, each.status) for each in diagnoses
    ]


async def test_a_database_without_the_schema_is_a_warning(
    databases: Databases, dialect: Dialect, tmp_path: Path
) -> None:
    async with databases.empty(dialect) as url:
        async with migrate.open_connection(url) as connection, connection.begin():
            await connection.exec_driver_sql("CREATE TABLE anything (id INTEGER)")
        diagnoses = await storage.examine_storage(make_settings(tmp_path, database_url=url))

    assert [Status.WARNING] == [each.status for each in diagnoses if each.name == "schema"]


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    [diagnosis] = await storage.examine_storage(make_settings(tmp_path))

    assert (Status.OK, []) == (diagnosis.status, names(tmp_path))


async def test_a_database_that_is_away_is_a_problem(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://ada:geheim@127.0.0.1:{free_port()}/x"
    [diagnosis] = await storage.examine_storage(make_settings(tmp_path, database_url=url))

    assert (Status.PROBLEM, False) == (diagnosis.status, "geheim" in diagnosis.text)


@pytest.mark.parametrize(
    ("skew", "expected", "words"),
    [
        (timedelta(0), Status.OK, " the database"),
        (timedelta(seconds=3), Status.WARNING, "ahead of the database"),
        (timedelta(seconds=-3), Status.WARNING, "behind the database"),
    ],
)
async def test_clocks_are_compared(database: Database, skew: timedelta, expected: Status, words: str) -> None:
    diagnosis = await storage.examine_clock(database, now=lambda: clock.now() + skew)

    assert (expected, True) == (diagnosis.status, words in diagnosis.text), diagnosis.text


def test_a_key_that_is_set_is_fine(tmp_path: Path) -> None:
    assert Status.OK is storage.examine_key(make_settings(tmp_path, secret_key=KEY)).status


def test_postgresql_without_a_key_is_a_problem(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, database_url="postgresql+asyncpg://localhost/x")

    assert Status.PROBLEM is storage.examine_key(settings).status


def test_a_key_is_not_made_by_looking(tmp_path: Path) -> None:
    diagnosis = storage.examine_key(make_settings(tmp_path))

    assert (Status.OK, []) == (diagnosis.status, names(tmp_path))


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        (None, 0o600, Status.OK),
        (None, 0o644, Status.WARNING),
        ("cut off", 0o600, Status.PROBLEM),
        ("\N{SNOWMAN}" * 40, 0o600, Status.PROBLEM),
    ],
    ids=["as it was made", "open to others", "damaged", "no text of ours"],
)
def test_a_key_file_is_looked_into(tmp_path: Path, text: str | None, mode: int, expected: Status) -> None:
    settings = make_settings(tmp_path)
    load_secret_key(settings)
    if text:
        (tmp_path / FILE_NAME).write_text(text)
    (tmp_path / FILE_NAME).chmod(mode)

    assert expected is storage.examine_key(settings).status
