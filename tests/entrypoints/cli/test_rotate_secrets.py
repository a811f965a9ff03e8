"""`stationmaster rotate-secrets`."""

import sqlite3
from pathlib import Path

import pytest

from stationmaster.config import Settings
from stationmaster.db.base import SECRETS_AT_REST
from stationmaster.entrypoints.secret_key import load_secret_key
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Keyring
from tests.entrypoints.cli.conftest import Command

NEW = "a new encryption key of the tests: long enough"


def store(folder: Path, keyring: Keyring) -> str:
    id_ = new_id()
    sealed = keyring.sealer(SECRETS_AT_REST).seal("hidden value", row=str(id_))
    now = "2026-11-25 00:00:00.000000"
    connection = sqlite3.connect(folder / "stationmaster.sqlite3")
    try:
        connection.execute(
            "INSERT INTO secrets (id, created_at, updated_at, name, description, value, value_set_at)"
            " VALUES (?, ?, ?, 'A', '', ?, ?)",
            (id_.hex, now, now, sealed, now),
        )
        connection.commit()
    finally:
        connection.close()
    return str(id_)


def read(folder: Path) -> str:
    connection = sqlite3.connect(folder / "stationmaster.sqlite3")
    try:
        [(value,)] = connection.execute("SELECT value FROM secrets").fetchall()
    finally:
        connection.close()
    return str(value)


def test_the_first_key_takes_over(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command("migrate")
    load_secret_key(Settings(_env_file=None, data_dir=folder))
    before = Keyring(((folder / "secret.key").read_text().strip(),))
    row = store(folder, before)
    monkeypatch.setenv("STATIONMASTER_ENCRYPTION_KEYS", NEW)

    result = command("rotate-secrets")

    assert (result.exit_code, "secrets.value: 1 sealed anew" in result.stdout) == (0, True)
    assert Keyring((NEW,)).sealer(SECRETS_AT_REST).open(read(folder), row=row) == "hidden value"
    assert "secrets.value: 0 sealed anew" in command("rotate-secrets").stdout


def test_says_what_no_key_opens(command: Command, folder: Path) -> None:
    command("migrate")
    store(folder, Keyring(("a lost key",)))

    result = command("rotate-secrets")

    assert (result.exit_code, "1 sealed texts" in result.stderr) == (1, True)


def test_a_short_key_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_ENCRYPTION_KEYS", f"{NEW},short")

    result = command("rotate-secrets")

    assert (result.exit_code, "ENCRYPTION_KEYS" in result.stderr, "short" in result.stderr) == (2, True, False)
