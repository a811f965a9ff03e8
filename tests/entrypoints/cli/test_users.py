"""`stationmaster users ...` and `stationmaster mark-users-verified`."""

import sqlite3
from pathlib import Path

import pytest

from tests.entrypoints.cli.conftest import Command
from tests.support.people import PASSWORD

ADA = ("--email", "Ada@Example.com", "--name", "Ada Lovelace")


@pytest.fixture(autouse=True)
def migrated(command: Command) -> None:
    command("migrate")


def create(command: Command, *arguments: str, password: str = PASSWORD) -> int:
    result = command("users", "create", *arguments, "--password-stdin", input=f"{password}\n")
    return result.exit_code


def query(folder: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "stationmaster.sqlite3")
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_creates(command: Command, folder: Path) -> None:
    assert create(command, *ADA, "--role", "admin", "--username", "ada") == 0

    (row,) = query(folder, "SELECT email, username, role, email_verified_at IS NULL FROM users")
    assert row == ("ada@example.com", "ada", "admin", 0)


def test_asks_for_the_password_twice(command: Command) -> None:
    result = command("users", "create", *ADA, input=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 0
    assert PASSWORD not in result.output


@pytest.mark.parametrize(
    ("arguments", "password", "said"),
    [
        (("--email", "nobody", "--name", "x"), PASSWORD, "not an e-mail address"),
        ((*ADA, "--role", "root"), PASSWORD, "root"),
        (ADA, "short", "Use at least 12 characters."),
    ],
)
def test_refuses(command: Command, arguments: tuple[str, ...], password: str, said: str) -> None:
    result = command("users", "create", *arguments, "--password-stdin", input=f"{password}\n")

    assert result.exit_code == 2
    assert said in result.stderr


def test_refuses_a_taken_address(command: Command) -> None:
    assert [create(command, *ADA) for _ in range(2)] == [0, 1]


def test_lists(command: Command) -> None:
    create(command, *ADA)
    create(command, "--email", "boss@example.com", "--name", "Boss", "--role", "superadmin")

    everybody, bosses = command("users", "list"), command("users", "list", "--role", "superadmin")

    assert "ada@example.com" in everybody.stdout
    assert "ada@example.com" not in bosses.stdout
    assert "boss@example.com" in bosses.stdout


def test_names_do_not_drive_the_terminal(command: Command, folder: Path) -> None:
    create(command, *ADA)
    query(folder, "UPDATE users SET name = '[red]Ada' || char(27) || '[2J'")

    result = command("users", "list")

    assert "[red]Ada" in result.stdout
    assert "\x1b" not in result.stdout


def test_sets_a_role(command: Command, folder: Path) -> None:
    create(command, *ADA, "--username", "ada")

    result = command("users", "set-role", "ADA", "viewer")

    assert (result.exit_code, result.stdout) == (0, "ada@example.com is viewer now.\n")
    assert query(folder, "SELECT role FROM users") == [("viewer",)]


def test_deactivates(command: Command, folder: Path) -> None:
    create(command, *ADA)

    result = command("users", "deactivate", "ada@example.com")

    assert (result.exit_code, result.stdout) == (0, "ada@example.com is inactive now.\n")
    assert query(folder, "SELECT is_active, version FROM users") == [(0, 2)]


@pytest.mark.parametrize("arguments", [("set-role", "ada@example.com", "user"), ("deactivate", "ada@example.com")])
def test_the_last_superadmin_stays(command: Command, arguments: tuple[str, ...]) -> None:
    create(command, *ADA, "--role", "superadmin")

    result = command("users", *arguments)

    assert result.exit_code == 1
    assert "last active superadmin" in result.stderr


def test_nobody_of_that_name(command: Command) -> None:
    result = command("users", "deactivate", "nobody@example.com")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "nobody@example.com" in result.stderr


def unverified(command: Command, folder: Path) -> None:
    for name, created in (("old", "2024-01-31"), ("new", "2024-02-01"), ("gone", "2024-01-01"), ("fine", "2024-01-01")):
        create(command, "--email", f"{name}@example.com", "--name", name)
        query(folder, f"UPDATE users SET created_at = '{created} 00:00:00.000000' WHERE name = '{name}'")
    query(folder, "UPDATE users SET email_verified_at = NULL WHERE name != 'fine'")
    query(folder, "UPDATE users SET is_active = 0 WHERE name = 'gone'")


def left(folder: Path) -> list[object]:
    rows = query(folder, "SELECT name FROM users WHERE email_verified_at IS NULL ORDER BY name")
    return [name for (name,) in rows]


def test_marks_users_verified(command: Command, folder: Path) -> None:
    unverified(command, folder)

    results = [command("mark-users-verified") for _ in range(2)]

    assert [result.exit_code for result in results] == [0, 0]
    assert results[0].stdout.splitlines() == ["  old@example.com", "  new@example.com", "2 are verified now."]
    assert results[1].stdout == "0 are verified now.\n"
    assert left(folder) == ["gone"]


def test_marks_only_older_ones(command: Command, folder: Path) -> None:
    unverified(command, folder)

    command("mark-users-verified", "--created-before", "2024-02-01")

    assert left(folder) == ["gone", "new"]


def test_a_dry_run_only_says(command: Command, folder: Path) -> None:
    unverified(command, folder)

    result = command("mark-users-verified", "--dry-run")

    assert result.stdout.splitlines()[-1] == "2 would be verified."
    assert left(folder) == ["gone", "new", "old"]


@pytest.mark.parametrize("day", ["2024-13-01", "yesterday", "01/02/2024"])
def test_a_wrong_day_is_refused(command: Command, folder: Path, day: str) -> None:
    unverified(command, folder)

    assert command("mark-users-verified", "--created-before", day).exit_code == 2
    assert left(folder) == ["gone", "new", "old"]
