"""`stationmaster doctor`: all examinations together."""

import json
from pathlib import Path

import pytest

from tests.entrypoints.cli.conftest import Command
from tests.entrypoints.cli.process import free_port

NAMES = [
    "settings", "secret key", "data folder", "disk", "database", "schema", "clock", "zone data", "open files", "port",
    "docker", "sandbox",
]  # fmt: skip


@pytest.fixture
def as_on_a_bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no Docker engine, whatever the machine has."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


def test_it_tells_all_as_a_table(command: Command, as_on_a_bare_machine: None) -> None:
    command("migrate")
    result = command("doctor", "--port", str(free_port()))

    assert 0 == result.exit_code, result.stdout
    assert [] == [name for name in NAMES if f" {name} " not in result.stdout]
    last_column = " ".join(
        line.rsplit("│", 2)[-2].strip() for line in result.stdout.splitlines() if line.startswith("│")
    )
    assert "start the engine" in last_column  # wherever the width of the terminal breaks the line


def test_machines_read_it_as_json(command: Command, as_on_a_bare_machine: None) -> None:
    command("migrate")
    document = json.loads(command("doctor", "--json").stdout)

    assert (True, NAMES) == (document["ok"], [check["name"] for check in document["checks"]])
    assert {"status": "warning", "text": "No engine answers."}.items() <= document["checks"][-2].items()


def test_it_changes_nothing(command: Command, folder: Path) -> None:
    command("doctor")

    assert [] == list(folder.iterdir())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STATIONMASTER_RUNNER__LEASE", "1", "STATIONMASTER_RUNNER__LEASE: Input should be greater than or equal"),
        ("STATIONMASTER_OUTBOUND_ALLOW", "http://x/", "STATIONMASTER_OUTBOUND_ALLOW"),
    ],
)
def test_wrong_settings_are_a_problem(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)

    result = command("doctor", "--json")

    [check] = json.loads(result.stdout)["checks"]
    assert (1, "problem", True) == (result.exit_code, check["status"], words in check["text"])
