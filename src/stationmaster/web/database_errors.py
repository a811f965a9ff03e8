"""What a failure of the database means to the caller: try again, your input, a conflict, or our mistake.

Decided by class and SQLSTATE (PostgreSQL documentation, appendix A), never by message text. Drivers differ: SQLAlchemy
wraps asyncpg's error and keeps it as the cause, sqlite3's comes as it is with an `sqlite_errorcode`, and some never reach
SQLAlchemy at all (a refused connection, an integer that SQLite cannot hold).
"""

import socket
import traceback

import asyncpg
from sqlalchemy import exc
from sqlalchemy.orm.exc import StaleDataError

from stationmaster.errors import Conflict, FieldError, Invalid, StationmasterError, Unavailable

AWAY: tuple[type[Exception], ...] = (exc.TimeoutError, ConnectionError, TimeoutError, socket.gaierror)
UNSTORABLE: tuple[type[Exception], ...] = (OverflowError, UnicodeEncodeError)
HANDLED: tuple[type[Exception], ...] = (
    exc.SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    *UNSTORABLE,
)

# Lost a race for a lock or a snapshot; the same request may well succeed at once.
_CONTENDED = frozenset({"40001", "40P01", "55P03", "57014", "25P03"})
# 08 connection, 53 out of connections, memory or disk, 57 stopped by an operator or starting up, 3D no such database.
_AWAY_CLASSES = frozenset({"08", "53", "57", "3D"})
_DIVISION_BY_ZERO = "22012"
# SQL that does not fit the schema: a mistake of ours, unlike "busy", "full" or "cannot open".
_SQLITE_ERROR = 1


def find_answer(error: Exception) -> StationmasterError | None:
    """Return the refusal to answer with, or None when the failure is our own mistake."""
    if isinstance(error, exc.IntegrityError | StaleDataError):
        return Conflict("It clashes with another object, or something that it refers to is gone.")
    if isinstance(error, AWAY) or _is_from_driver(error):
        return _away()
    if isinstance(error, UNSTORABLE):
        return _unstorable()
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return _away()
    return _by_driver(_driver_error(error))


def sqlstate_of(error: Exception) -> str | None:
    """Return PostgreSQL's code of the failure, when there is one."""
    state: str | None = getattr(_driver_error(error), "sqlstate", None)
    return state


def _by_driver(driver: BaseException) -> StationmasterError | None:
    if isinstance(driver, asyncpg.InvalidCachedStatementError | asyncpg.InterfaceError):
        return _away()
    code = getattr(driver, "sqlite_errorcode", None)
    if code is not None:
        # The low byte is the primary code (sqlite.org, "Result and Error Codes").
        return None if code & 0xFF == _SQLITE_ERROR else _away()
    return _by_sqlstate(getattr(driver, "sqlstate", None) or "")


def _by_sqlstate(state: str) -> StationmasterError | None:
    if state in _CONTENDED:
        return Unavailable("The database is busy with the same object.", retry_after_seconds=1)
    if state[:2] in _AWAY_CLASSES:
        return _away()
    if state.startswith("23"):
        return Conflict("It clashes with another object, or something that it refers to is gone.")
    if state.startswith("22") and state != _DIVISION_BY_ZERO:
        return _unstorable()
    return None


def _is_from_driver(error: Exception) -> bool:
    """Say whether the operating system refused the driver something: a missing socket file is a stopped database."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return isinstance(error, OSError) and any(frame.f_globals["__name__"].startswith("asyncpg.") for frame in frames)


def _driver_error(error: Exception) -> BaseException:
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return error
    return error.orig.__cause__ or error.orig


def _away() -> Unavailable:
    return Unavailable("The database does not answer in time.")


def _unstorable() -> Invalid:
    return Invalid(FieldError("A value is too large, too long, or has characters that cannot be stored.", pointer=""))
