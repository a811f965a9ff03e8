"""What goes wrong is a sentence and an exit code; what is our own fault keeps its traceback."""

import errno
from typing import Any

import asyncpg
import pytest
from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from stationmaster.config import Settings
from stationmaster.db.migrate import ForeignKeysBroken, NewerDatabase
from stationmaster.domains.users.errors import WeakPassword
from stationmaster.entrypoints.cli.refusals import find_refusal
from stationmaster.entrypoints.cli.terminal import FAILED, MISUSED, Refusal
from stationmaster.entrypoints.secret_key import MissingKey
from stationmaster.errors import AlreadyExists


def wrong_settings(**values: Any) -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        Settings(_env_file=None, **values)
    return raised.value


def file_error() -> OSError:
    return PermissionError(errno.EACCES, "Permission denied", "/data/secret.key")


@pytest.mark.parametrize(
    ("error", "exit_code", "words"),
    [
        (Refusal("Not now.", exit_code=MISUSED), MISUSED, "Not now."),
        (MissingKey("Set STATIONMASTER_SECRET_KEY."), MISUSED, "Set STATIONMASTER_SECRET_KEY."),
        (WeakPassword("Use at least 12 characters."), MISUSED, "password: Use at least 12 characters."),
        (AlreadyExists("user", "e-mail address", "a@b.c"), FAILED, "Another user has the e-mail address 'a@b.c'."),
        (NewerDatabase("The database is at revision 9."), FAILED, "Start the newer version"),
        (ForeignKeysBroken("3 rows point nowhere: a to b"), FAILED, "3 rows point nowhere"),
        (file_error(), FAILED, "/data/secret.key: Permission denied."),
        (OSError(errno.EADDRINUSE, "in use"), FAILED, "took the port"),
        (ConnectionRefusedError(111, "Connection refused"), FAILED, "does not answer (ConnectionRefusedError"),
        (asyncpg.InvalidPasswordError("wrong password"), FAILED, "does not answer (InvalidPasswordError"),
        (OperationalError("SELECT 1", {}, OSError("disk is gone")), FAILED, "does not answer (OSError: disk is gone)"),
        (TimeoutError(), FAILED, "does not answer (TimeoutError"),
    ],
)
def test_an_error_is_put_into_words(error: BaseException, exit_code: int, words: str) -> None:
    refusal = find_refusal(error)

    assert refusal is not None
    assert (exit_code, True) == (refusal.exit_code, words in str(refusal)), str(refusal)


def test_wrong_settings_are_named_without_their_values() -> None:
    refusal = find_refusal(wrong_settings(secret_key=SecretStr("geheim"), runner={"lease": 1, "concurrency": 0}))

    assert refusal is not None
    lines = str(refusal).splitlines()
    names = ["STATIONMASTER_SECRET_KEY", "STATIONMASTER_RUNNER__CONCURRENCY", "STATIONMASTER_RUNNER__LEASE"]
    assert sorted(names) == sorted(line.split(":")[0] for line in lines)
    assert (MISUSED, False) == (refusal.exit_code, "geheim" in str(refusal))


@pytest.mark.parametrize(
    "error",
    [
        ProgrammingError("SELECT", {}, Exception("no such table")),
        IntegrityError("INSERT", {}, Exception("unique")),
        ValueError("anything"),
        ExceptionGroup("both", [Refusal("known"), ValueError("unknown")]),
    ],
)
def test_our_own_faults_have_no_words(error: BaseException) -> None:
    assert find_refusal(error) is None


def test_a_model_of_ours_that_is_misused_has_no_words() -> None:
    class Other(BaseModel):
        number: int

    with pytest.raises(ValidationError) as raised:
        Other.model_validate({"number": "many"})
    assert find_refusal(raised.value) is None


def test_the_first_of_several_is_told() -> None:
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [Refusal("first")]), Refusal("second")])

    assert "first" == str(find_refusal(group))
