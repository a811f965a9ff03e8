"""What commands share that work on this machine's own service."""

from pathlib import Path

import pytest

from stationmaster.entrypoints.cli.house import log_files, read_settings
from stationmaster.entrypoints.cli.terminal import MISUSED, Refusal
from tests.entrypoints.cli.conftest import Command


@pytest.mark.parametrize(
    "url",
    [
        "no address",
        "mysql://ada:geheim@localhost/x",
        "postgresql://ada:geheim@localhost/x",
        "sqlite:///file",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
    ],
)
def test_an_address_of_no_database_of_ours_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STATIONMASTER_DATABASE_URL", url)

    with pytest.raises(Refusal, match="STATIONMASTER_DATABASE_URL") as refused:
        read_settings()
    assert (MISUSED, False) == (refused.value.exit_code, "geheim" in str(refused.value))


def test_a_wrong_allow_list_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_OUTBOUND_ALLOW", "localhost,http://x/")

    with pytest.raises(Refusal, match="STATIONMASTER_OUTBOUND_ALLOW: 'http://x/'"):
        read_settings()


def test_settings_come_from_a_file_in_the_working_folder(folder: Path) -> None:
    (folder / ".env").write_text("STATIONMASTER_MIN_INTERVAL_SECONDS=7\n")

    assert 7 == read_settings().min_interval_seconds


def test_wrong_settings_end_a_command_with_2(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_SCHEDULER_TIMEZONE", "Mars/Olympus")

    result = command("serve")

    assert (2, "") == (result.exit_code, result.stdout)
    assert "STATIONMASTER_SCHEDULER_TIMEZONE: 'Mars/Olympus' is not an IANA time zone" in result.stderr


def test_a_folder_for_the_log_that_cannot_be_made_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "taken").write_text("a file")
    monkeypatch.setenv("STATIONMASTER_LOG_FILES__DIR", str(folder / "taken"))

    with (
        pytest.raises(Refusal, match=r"STATIONMASTER_LOG_FILES__DIR: .*taken cannot be written"),
        log_files(read_settings()),
    ):
        pytest.fail("went on without its files")
