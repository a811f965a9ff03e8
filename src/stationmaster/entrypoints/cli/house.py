"""What commands that work on the stored accounts have in common."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from stationmaster.config import Settings
from stationmaster.db.engine import Database, open_database
from stationmaster.domains.outbox.service import Outbox
from stationmaster.entrypoints.cli.terminal import log_troubles, read_settings, require_schema
from stationmaster.entrypoints.secret_key import load_keyring


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
