"""What commands have in common that work with this machine's own settings and database."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import uvloop
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from stationmaster.config import Settings
from stationmaster.db import migrate
from stationmaster.db.engine import Database, open_database
from stationmaster.domains.outbox.service import Outbox
from stationmaster.entrypoints.cli.terminal import MISUSED, Refusal
from stationmaster.entrypoints.secret_key import load_keyring
from stationmaster.outbound.guard import Guard
from stationmaster.telemetry import logging
from stationmaster.telemetry.log_files import open_log_files

T = TypeVar("T")

DRIVERS = frozenset({"sqlite+aiosqlite", "postgresql+asyncpg"})


@dataclass(frozen=True)
class House:
    """The opened database with its settings, and the outbox for mails that a running service will send."""

    settings: Settings
    database: Database
    outbox: Outbox


@asynccontextmanager
async def open_house() -> AsyncIterator[House]:
    """Open what the settings of the environment name.

    Raises:
        Refusal: the database has another schema than this version's.
    """
    settings = read_settings()
    log_troubles(settings)
    outbox = Outbox.open(settings.public_url, load_keyring(settings))
    async with open_database(settings.resolved_database_url, application_name="stationmaster-cli") as database:
        await require_schema(database)
        yield House(settings, database, outbox)


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
