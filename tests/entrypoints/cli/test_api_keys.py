"""`stationmaster api-keys ...`."""

import sqlite3
from pathlib import Path

import pytest

from stationmaster.domains.api_keys.key_format import parse_key
from stationmaster.kit import tokens
from tests.entrypoints.cli.conftest import Command
from tests.support.people import PASSWORD


@pytest.fixture(autouse=True)
def ada(command: Command) -> None:
    command("migrate")
    arguments = ("--email", "ada@example.com", "--name", "Ada", "--password-stdin")
    command("users", "create", *arguments, input=f"{PASSWORD}\n")


def keys(folder: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "stationmaster.sqlite3")
    try:
        return connection.execute("SELECT key_hash, role, scopes, is_active FROM api_keys").fetchall()
    finally:
        connection.close()


def test_creates_and_shows_once(command: Command, folder: Path) -> None:
    result = command("api-keys", "create", "ada@example.com", "nightly", "--role", "viewer", "--scope", "jobs:read")

    text = result.stdout.strip()
    assert result.exit_code == 0
    assert parse_key(text) is not None
    assert keys(folder) == [(tokens.digest(text), "viewer", '["jobs:read"]', 1)]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nobody@example.com", "nightly"), 1),
        (("ada@example.com", "nightly", "--role", "admin"), 1),
        (("ada@example.com", "nightly", "--expires", "2020-01-01"), 2),
        (("ada@example.com", "nightly", "--expires", "soon"), 2),
        (("ada@example.com", "nightly", "--scope", "everything"), 2),
    ],
)
def test_refuses(command: Command, folder: Path, arguments: tuple[str, ...], code: int) -> None:
    result = command("api-keys", "create", *arguments)

    assert (result.exit_code, result.stdout) == (code, "")
    assert keys(folder) == []


@pytest.mark.parametrize("length", [11, None])
def test_revokes_by_the_key_or_its_beginning(command: Command, folder: Path, length: int | None) -> None:
    text = command("api-keys", "create", "ada@example.com", "nightly").stdout.strip()

    result = command("api-keys", "revoke", text[:length])

    assert (result.exit_code, result.stdout) == (0, f"{text[:11]} is inactive now.\n")
    assert [row[-1] for row in keys(folder)] == [0]


@pytest.mark.parametrize("prefix", ["sm_00000000", "", "%"])
def test_no_such_key(command: Command, prefix: str) -> None:
    assert command("api-keys", "revoke", prefix).exit_code == 1
