"""`stationmaster migrate`."""

import sqlite3
from pathlib import Path

import pytest

from stationmaster.db.migrate import head_revision
from tests.entrypoints.cli.conftest import Command
from tests.entrypoints.cli.process import free_port


def test_it_says_from_where_to_where(command: Command, folder: Path) -> None:
    first, second = command("migrate"), command("migrate")

    assert (0, f"Migrated from nothing to {head_revision()}.\n") == (first.exit_code, first.stdout)
    assert (0, f"The schema is up to date ({head_revision()}).\n") == (second.exit_code, second.stdout)


def test_a_database_of_a_newer_version_is_left_alone(command: Command, folder: Path) -> None:
    command("migrate")
    with sqlite3.connect(folder / "stationmaster.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from the future'")
    connection.close()

    result = command("migrate")

    assert 1 == result.exit_code
    assert "from the future" in result.stderr


def test_a_database_that_is_away_is_a_sentence(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql+asyncpg://ada:geheim@127.0.0.1:{free_port()}/x"
    monkeypatch.setenv("STATIONMASTER_DATABASE_URL", url)

    result = command("migrate")

    assert (1, True) == (result.exit_code, result.stderr.startswith("The database does not answer"))
    assert "geheim" not in result.stderr


def test_a_file_that_is_no_database_is_a_sentence(command: Command, folder: Path) -> None:
    (folder / "stationmaster.sqlite3").write_text("Dear diary, today I was mistaken for a database.")

    result = command("migrate")

    assert (1, True) == (result.exit_code, "file is not a database" in result.stderr)
