"""The command line for tests: called within this process, in an empty folder, with settings from variables only."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stationmaster.entrypoints.cli import app
from stationmaster.telemetry.logging import StructuredHandler

Command = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty working folder, which is DATA_DIR too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATIONMASTER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def command(folder: Path) -> Iterator[Command]:
    """Call a command and return its result; the log goes back to where it went before."""
    root = logging.getLogger()
    level = root.level

    def call(*arguments: str, input: str | None = None) -> Result:  # noqa: A002  # the runner's own word
        return CliRunner().invoke(app, arguments, input=input)

    yield call
    root.setLevel(level)
    for handler in [each for each in root.handlers if isinstance(each, StructuredHandler)]:
        root.removeHandler(handler)
