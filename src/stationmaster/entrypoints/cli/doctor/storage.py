"""The database and the key."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from stationmaster.config import Settings
from stationmaster.db import migrate
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database, open_database
from stationmaster.db.session import read_only
from stationmaster.entrypoints.cli.doctor.finding import Diagnosis
from stationmaster.entrypoints.cli.refusals import EXPLAINED, find_refusal
from stationmaster.entrypoints.secret_key import FILE_NAME
from stationmaster.kit import clock

SKEW_SECONDS = 2.0
ANSWER_SECONDS = 10
SHORTEST_KEY = 32
READABLE_BY_OTHERS = 0o077


def examine_key(settings: Settings) -> Diagnosis:
    """Look whether there is a key, or one can be made."""
    if settings.secret_key is not None:
        return Diagnosis.ok("secret key", "Set by STATIONMASTER_SECRET_KEY.")
    if not settings.is_sqlite:
        advice = "Set STATIONMASTER_SECRET_KEY, the same on all replicas, for example from `openssl rand -base64 48`."
        return Diagnosis.problem("secret key", "Not set, and PostgreSQL needs one that all replicas share.", advice)
    path = settings.data_dir.absolute() / FILE_NAME
    if not path.exists():
        return Diagnosis.ok("secret key", f"{path} will be made at the first start.")
    return _examine_key_file(path)


def _examine_key_file(path: Path) -> Diagnosis:
    try:
        length = len(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        text = f"{path} cannot be read ({error})."
        return Diagnosis.problem("secret key", text, "Give it to this user, or restore it.")
    if length < SHORTEST_KEY:
        return Diagnosis.problem("secret key", f"{path} is damaged.", "Restore it: what was sealed with it needs it.")
    if path.stat().st_mode & READABLE_BY_OTHERS:
        return Diagnosis.warning("secret key", f"Others on this machine can read {path}.", f"Run `chmod 600 {path}`.")
    return Diagnosis.ok("secret key", f"Kept in {path}.")


async def examine_database(settings: Settings) -> list[Diagnosis]:
    """Look whether the database answers, has the schema of this version, and agrees about the time."""
    path = migrate.sqlite_path(settings.resolved_database_url)
    if path is not None and not path.exists():
        return [Diagnosis.ok("database", f"{path} will be made at the first start.")]
    async with asyncio.timeout(ANSWER_SECONDS), open_database(settings.resolved_database_url) as database:
        return [await _examine_version(database), await _examine_schema(database), await examine_clock(database)]


async def examine_storage(settings: Settings) -> list[Diagnosis]:
    """Do `examine_database`, and put into words what goes wrong meanwhile."""
    try:
        return await examine_database(settings)
    except EXPLAINED as error:
        refusal = find_refusal(error)
        if refusal is None:
            raise
        advice = "Start it, or correct STATIONMASTER_DATABASE_URL; nothing works without it."
        return [Diagnosis.problem("database", str(refusal), advice)]


async def _examine_version(database: Database) -> Diagnosis:
    async with read_only(database) as session:
        if database.is_sqlite:
            version = await session.scalar(sa.text("SELECT sqlite_version()"))
            return Diagnosis.ok("database", f"SQLite {version}, {migrate.sqlite_path(database.url)}.")
        version = await session.scalar(sa.text("SHOW server_version"))
        return Diagnosis.ok("database", f"PostgreSQL {version} answers.")


async def _examine_schema(database: Database) -> Diagnosis:
    wanted, present = await asyncio.to_thread(migrate.head_revision), await migrate.current_revision(database.url)
    if present == wanted:
        return Diagnosis.ok("schema", f"Revision {present}, the newest.")
    text = f"Revision {present or 'none'}; this version has {wanted}."
    return Diagnosis.warning("schema", text, "The next start migrates it, or do it now: stationmaster migrate.")


async def examine_clock(database: Database, *, now: Callable[[], datetime] = clock.now) -> Diagnosis:
    """Compare this machine's clock (`now`) with the database's, which spoke half-way between question and answer."""
    async with read_only(database) as session:
        await database_now(session)  # connects, so that what is measured is the answer alone
        asked_at, began = now(), time.monotonic()
        theirs = await database_now(session)
        trip = time.monotonic() - began
    skew = (theirs - asked_at).total_seconds() - trip / 2
    text = f"{abs(skew) * 1000:.0f} ms {'behind' if skew > 0 else 'ahead of'} the database."
    if abs(skew) > SKEW_SECONDS:
        advice = "Let NTP set both: tokens and some time stamps are made on this machine's clock."
        return Diagnosis.warning("clock", text, advice)
    return Diagnosis.ok("clock", text)
