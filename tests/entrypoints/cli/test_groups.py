"""The command line itself: what it lists, what it loads, and how it ends."""

import subprocess
import sys

import pytest

from stationmaster.entrypoints.cli import Commands
from tests.entrypoints.cli.conftest import Command

ASK = """
import sys
from stationmaster.entrypoints.cli import app
try:
    app(sys.argv[1:], prog_name="stationmaster")
finally:
    heavy = {"sqlalchemy", "fastapi", "alembic", "uvicorn", "stationmaster.config"}
    print(*sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        ([], 2),
        (["nonsense"], 2),
        (["script", "--help"], 0),
        (["script", "push", "--help"], 0),
        (["script", "push", "/no/such/folder"], 2),
        (["script", "logs", "x", "--url", "http://127.0.0.1:1", "--key", "sm_x"], 1),
    ],
)
def test_the_service_is_not_loaded_for(arguments: list[str], exit_code: int) -> None:
    done = subprocess.run([sys.executable, "-c", ASK, *arguments], check=False, capture_output=True, text=True)

    assert (exit_code, "") == (done.returncode, done.stderr.splitlines()[-1]), done.stderr


@pytest.mark.parametrize("name", Commands.announced)
def test_what_is_announced_of_a_command_is_what_it_says(name: str) -> None:
    later = Commands.announced[name]

    assert later.summary == " ".join(later.load(name).help.partition("\n\n")[0].split())


def test_a_name_that_is_nearly_right_is_suggested(command: Command) -> None:
    assert "Did you mean 'doctor'" in command("docter").stderr


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
