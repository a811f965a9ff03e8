"""What every command shares: its settings, where it writes, how its coroutine runs, and the refusal that ends it.

Results go to standard output, everything else (logs, refusals) to standard error, so that a pipe gets results only.
Exit codes: 0 done; 1 it could not be done, or something is wrong; 2 the command line or the settings are wrong.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import uvloop
from rich.console import Console
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from stationmaster.config import Settings
from stationmaster.db import migrate
from stationmaster.db.engine import Database
from stationmaster.outbound.guard import Guard
from stationmaster.telemetry import logging
from stationmaster.telemetry.log_files import open_log_files

T = TypeVar("T")

FAILED = 1
MISUSED = 2
DRIVERS = frozenset({"sqlite+aiosqlite", "postgresql+asyncpg"})

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Refusal(Exception):
    """A command ends here; the text says why and what to do, `exit_code` is the process's."""

    def __init__(self, text: str, *, exit_code: int = FAILED) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def read_settings() -> Settings:
    """Read the settings of this process, and refuse what would only fail later.

    Raises:
        pydantic.ValidationError: some are wrong.
        Refusal: the address of the database or the allow-list of outgoing calls is wrong.
    """
    settings = Settings()
    _check_address(settings.resolved_database_url)
    try:
        Guard(settings.outbound_allow)
    except ValueError as error:
        raise Refusal(f"STATIONMASTER_OUTBOUND_ALLOW: {error}", exit_code=MISUSED) from error
    return settings


def _check_address(url: str) -> None:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    is_named = parsed is not None and parsed.database not in {None, "", ":memory:"}
    if parsed is None or parsed.drivername not in DRIVERS or not is_named:
        raise Refusal(
            "STATIONMASTER_DATABASE_URL: write sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/NAME.",
            exit_code=MISUSED,
        )


def log_troubles(settings: Settings) -> None:
    """Log warnings and errors only: what went well, the command says itself."""
    level = settings.log_level if settings.log_level in {"WARNING", "ERROR"} else "WARNING"
    logging.configure(settings.model_copy(update={"log_level": level}))


@contextmanager
def log_files(settings: Settings) -> Iterator[None]:
    """Write the log to the files that the settings name, besides.

    Raises:
        Refusal: they cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(open_log_files(settings.log_files))
        except OSError as error:
            text = f"STATIONMASTER_LOG_FILES__DIR: {error.filename} cannot be written: {error.strerror}."
            raise Refusal(text, exit_code=MISUSED) from error
        yield


def run(coroutine: Coroutine[object, object, T]) -> T:
    """Run a command's coroutine on the event loop of production."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


async def require_schema(database: Database) -> None:
    """Refuse to work on a database that has another schema than this version's.

    Raises:
        Refusal: says what to do.
    """
    if not await migrate.is_at_head(database):
        raise Refusal("The database does not have the schema of this version. Run `stationmaster migrate` first.")


def say(text: str = "", *, style: str | None = None) -> None:
    """Write a line of results as it is: not wrapped, no markup, no control characters but the line's end."""
    out.print(printable(text), style=style, markup=False, soft_wrap=True)


def printable(text: str) -> str:
    """Replace what drives a terminal: names and error texts come from others."""
    return "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)
