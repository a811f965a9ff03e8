"""What went wrong, in a sentence and an exit code instead of a traceback.

Only what an operator can do something about is put into words; anything else is a fault of ours and keeps its traceback.
"""

import errno
from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_settings import SettingsError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from stationmaster.db.errors import AWAY
from stationmaster.db.migrate import ForeignKeysBroken, NewerDatabase
from stationmaster.entrypoints.cli.terminal import FAILED, MISUSED, Refusal
from stationmaster.entrypoints.secret_key import MissingKey
from stationmaster.errors import Invalid, StationmasterError

EXPLAINED = (
    Refusal,
    ValidationError,
    SettingsError,
    MissingKey,
    StationmasterError,
    NewerDatabase,
    ForeignKeysBroken,
    ExceptionGroup,
    *AWAY,
)
"""Only these can have words; their subclasses that have none are raised again."""
OUR_STATEMENTS = (ProgrammingError, IntegrityError, DataError)
"""The database understood us and refused: our mistake, not its absence."""


def find_refusal(error: BaseException) -> Refusal | None:
    """Put an error into words; None when there are none for it."""
    refusals = [put_into_words(leaf) for leaf in _leaves(error)]
    return refusals[0] if all(refusals) else None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for part in error.exceptions:
        yield from _leaves(part)


def put_into_words(error: BaseException) -> Refusal | None:
    """Put a single error into words; None when there are none for it."""
    match error:
        case Refusal():
            return error
        case ValidationError() if error.title == "Settings":
            return Refusal("\n".join(describe_settings(error)), exit_code=MISUSED)
        case SettingsError():
            return Refusal(f"The settings cannot be read: {error}.", exit_code=MISUSED)
        case MissingKey():
            return Refusal(str(error), exit_code=MISUSED)
        case StationmasterError():
            return Refusal(_describe(error), exit_code=MISUSED if isinstance(error, Invalid) else FAILED)
    return _put_database_into_words(error)


def describe_settings(error: ValidationError) -> list[str]:
    """Name each wrong setting and what is wrong with it, without its value: that may be a secret."""
    return [
        f"STATIONMASTER_{'__'.join(map(str, one['loc'])).upper()}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_url=False, include_input=False)
    ]


def _describe(error: StationmasterError) -> str:
    if not isinstance(error, Invalid):
        return error.detail
    return "\n".join(f"{(each.pointer or each.parameter or '').strip('/')}: {each.detail}" for each in error.errors)


def _put_database_into_words(error: BaseException) -> Refusal | None:
    match error:
        case NewerDatabase():
            return Refusal(f"{error} Start the newer version that was used on it, or restore a backup.")
        case ForeignKeysBroken():
            return Refusal(f"The database cannot be migrated, and nothing was changed: {error}.")
        case OSError(errno=errno.EADDRINUSE):
            return Refusal("Something else took the port at the same moment. Choose another with --port.")
        case OSError() if error.filename is not None:
            return Refusal(f"{error.filename}: {error.strerror}.")
    if not isinstance(error, AWAY) or isinstance(error, OUR_STATEMENTS):
        return None
    cause = error.orig if isinstance(error, DBAPIError) else error
    return Refusal(
        f"The database does not answer ({type(cause).__name__}: {cause}). "
        "Is it running, and is STATIONMASTER_DATABASE_URL right? `stationmaster doctor` looks closer."
    )
