"""Wake-ups: "something changed, look now instead of at your next poll".

They are hints. Whoever waits also polls, so a lost hint costs at most a second and never any work.
On PostgreSQL they travel by NOTIFY to every replica; within a process they are events of its own loop.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY

logger = logging.getLogger(__name__)

CHANNEL_PREFIX = "stationmaster_"
RECONNECT_SECONDS = 1.0
PING_SECONDS = 5.0


class Wake(StrEnum):
    """What can be woken."""

    TICK = "tick"
    """Schedules changed or an overlap key became free: the leader should look at what is due."""
    QUEUE = "queue"
    """Executions were queued: runners should claim."""
    CANCEL = "cancel"
    """Running executions were asked to stop."""
    IDENTITY = "identity"
    """Sessions, roles or keys changed: cached proofs must be looked up anew."""
    ENDED = "ended"
    """Executions that somebody watches have ended: the followers should be told."""
    OUTBOX = "outbox"
    """Messages were queued: they should go out."""
    INBOX = "inbox"
    """Somebody was told something: open streams of inboxes should look."""


def notify(session: AsyncSession, wake: Wake) -> None:
    """Ask for a wake-up when this session's transaction has committed."""
    session.info.setdefault("wakes", set()).add(wake)


def pending_wakes(session: AsyncSession) -> set[Wake]:
    """Return the wake-ups that were asked for in this session."""
    wakes: set[Wake] = session.info.get("wakes", set())
    return wakes


async def send_remote(database: Database, session: AsyncSession) -> None:
    """Put the session's wake-ups into its transaction, for the other replicas."""
    if database.is_sqlite:
        return
    for wake in sorted(pending_wakes(session)):
        await session.execute(sa.text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL_PREFIX + wake})


def send_local(database: Database, wakes: Iterable[Wake]) -> None:
    """Wake whoever waits in this process."""
    for wake in wakes:
        for event in database.waiters[wake]:
            event.set()


@asynccontextmanager
async def waiting_for(database: Database, *wakes: Wake) -> AsyncIterator[asyncio.Event]:
    """Give an event that is set at each of these wake-ups; whoever waits on it clears it."""
    event = asyncio.Event()
    for wake in wakes:
        database.waiters[wake].add(event)
    try:
        yield event
    finally:
        for wake in wakes:
            database.waiters[wake].discard(event)


async def listen(database: Database) -> None:
    """Turn the database's notices into local wake-ups, for ever; reconnects by itself (nothing to do on SQLite)."""
    if database.is_sqlite:
        return
    while True:
        try:
            await _listen_once(database)
        except AWAY as error:
            logger.warning("notify.disconnected", extra={"error": str(error)})
        await asyncio.sleep(RECONNECT_SECONDS)


async def _listen_once(database: Database) -> None:
    url = make_url(database.url).set(drivername="postgresql")
    connection = await asyncpg.connect(url.render_as_string(hide_password=False), timeout=5)
    try:

        def receive(_connection: Any, _pid: int, channel: str, _payload: object) -> None:
            send_local(database, [Wake(channel.removeprefix(CHANNEL_PREFIX))])

        for wake in Wake:
            await connection.add_listener(CHANNEL_PREFIX + wake, receive)
        send_local(database, Wake)  # notices sent while nobody listened are gone: everyone looks once
        while True:
            await asyncio.sleep(PING_SECONDS)
            # A frozen peer never reports its end; only an unanswered question shows it.
            await connection.execute("SELECT 1", timeout=PING_SECONDS)
    finally:
        connection.terminate()
