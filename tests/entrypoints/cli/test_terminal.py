"""What every command shares."""

from pathlib import Path

import pytest

from stationmaster.entrypoints.cli.terminal import MISUSED, Refusal, log_files, printable, read_settings
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


def test_what_drives_a_terminal_is_replaced() -> None:
    assert "a\N{REPLACEMENT CHARACTER}[2J\nb" == printable("a\x1b[2J\nb")


def test_wrong_settings_end_a_command_with_2(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_SCHEDULER_TIMEZONE", "Mars/Olympus")

    result = command("serve")

    assert (2, "") == (result.exit_code, result.stdout)
    assert "STATIONMASTER_SCHEDULER_TIMEZONE: 'Mars/Olympus' is not an IANA time zone" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [(("--version",), 0), (("--help",), 0), (("nonsense",), 2), (("serve", "--port", "x"), 2)],
)
def test_exit_codes_of_the_command_line_itself(command: Command, arguments: tuple[str, ...], exit_code: int) -> None:
    assert exit_code == command(*arguments).exit_code


@pytest.mark.parametrize("name", ["serve", "demo", "migrate", "create-admin", "doctor", "verify"])
def test_each_command_says_what_it_does(command: Command, name: str) -> None:
    result = command(name, "--help")

    assert (0, True) == (result.exit_code, len(result.stdout.split("Options")[0]) > 60)


def test_a_folder_for_the_log_that_cannot_be_made_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "taken").write_text("a file")
    monkeypatch.setenv("STATIONMASTER_LOG_FILES__DIR", str(folder / "taken"))

    with (
        pytest.raises(Refusal, match=r"STATIONMASTER_LOG_FILES__DIR: .*taken cannot be written"),
        log_files(read_settings()),
    ):
        pytest.fail("went on without its files")
