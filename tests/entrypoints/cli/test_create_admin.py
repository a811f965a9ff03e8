"""`stationmaster create-admin`."""

import asyncio
import re
from pathlib import Path

import pytest

from stationmaster.db.engine import open_database
from stationmaster.db.session import read_only
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Role
from stationmaster.kit.passwords import verify_password
from tests.entrypoints.cli.conftest import Command

PASSWORD = "seven silent semaphores"


def look_up(folder: Path, email: str) -> User:
    """Read an account from the file."""

    async def read() -> User | None:
        url = f"sqlite+aiosqlite:///{folder / 'stationmaster.sqlite3'}"
        async with open_database(url) as database, read_only(database) as session:
            return await users.find_by_login(session, email)

    user = asyncio.run(read())
    assert user is not None
    return user


def test_it_makes_a_superadmin_with_a_password_shown_once(command: Command, folder: Path) -> None:
    command("migrate")
    result = command("create-admin", "--email", "Ada@Example.com")

    shown = re.search(r"shown this once: (\S{24})\n", result.stdout)
    user = look_up(folder, "ada@example.com")
    assert (0, Role.SUPERADMIN, True) == (result.exit_code, user.role, user.is_verified)
    assert shown is not None
    assert verify_password(shown[1], user.password_hash)[0]


def test_a_password_of_ones_own_is_not_shown(command: Command, folder: Path) -> None:
    command("migrate")
    result = command("create-admin", "--email", "ada@example.com", "--password", PASSWORD, "--name", "Ada")

    user = look_up(folder, "ada@example.com")
    assert (0, "Superadmin ada@example.com is made.\n", "Ada") == (result.exit_code, result.stdout, user.name)
    assert verify_password(PASSWORD, user.password_hash)[0]


def test_it_asks_for_the_address(command: Command, folder: Path) -> None:
    command("migrate")

    assert 0 == command("create-admin", input="ada@example.com\n").exit_code
    assert look_up(folder, "ada@example.com").is_active


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("--email", "nobody"), 2, "--email:"),
        (("--email", "a@example.com", "--password", "short"), 2, "password: Use at least 12 characters."),
        (("--email", "taken@example.com"), 1, "Another user has the e-mail address 'taken@example.com'."),
    ],
)
def test_what_cannot_be_made_is_refused(
    command: Command, arguments: tuple[str, ...], exit_code: int, words: str
) -> None:
    command("migrate")
    command("create-admin", "--email", "taken@example.com")

    result = command("create-admin", *arguments)

    assert (exit_code, "") == (result.exit_code, result.stdout)
    assert words in result.stderr


def test_a_database_without_the_schema_is_refused(command: Command) -> None:
    result = command("create-admin", "--email", "ada@example.com")

    assert (1, True) == (result.exit_code, "Run `stationmaster migrate` first" in result.stderr)
