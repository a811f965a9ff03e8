"""Wake-ups: "something changed, look now instead of at your next poll".

They are hints. Whoever waits also polls, so a lost hint costs at most a second and never any work. One may be about certain
objects, and then reaches only those who wait for news of one of them.
On PostgreSQL they travel by NOTIFY to every replica; within a process they are events of its own loop.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
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
MOST_SUBJECTS = 200
"""Ids in one notice, of which PostgreSQL takes 8,000 bytes."""


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
    JOURNAL = "journal"
    """Executions, named by their ids, said something or changed their state: who watches them should look."""
    ERASED = "erased"
    """What was held of somebody is gone from the tables: what is left of it in files should go, too."""


Subject = tuple[str, str]
"""A wake-up and the object it is about, empty when it is about none."""


def notify(session: AsyncSession, wake: Wake, *, about: Iterable[object] = ("",)) -> None:
    """Ask for a wake-up when this session's transaction has committed, for all or for those who wait for these objects."""
    session.info.setdefault("wakes", set()).update((wake, str(subject)) for subject in about)


def pending_wakes(session: AsyncSession) -> set[Wake]:
    """Return the wake-ups that were asked for in this session."""
    return {Wake(wake) for wake, _ in pending_subjects(session)}


def pending_subjects(session: AsyncSession) -> set[Subject]:
    """Return them with the objects they are about."""
    subjects: set[Subject] = session.info.get("wakes", set())
    return subjects


async def send_remote(database: Database, session: AsyncSession) -> None:
    """Put the session's wake-ups into its transaction, for the other replicas."""
    if database.is_sqlite:
        return
    for wake, payload in _payloads(pending_subjects(session)):
        facts = {"channel": CHANNEL_PREFIX + wake, "payload": payload}
        await session.execute(sa.text("SELECT pg_notify(:channel, :payload)"), facts)


def _payloads(subjects: Iterable[Subject]) -> Iterator[Subject]:
    """Join the subjects of each wake-up, as many as fit into one notice."""
    for wake, several in groupby(sorted(subjects), key=itemgetter(0)):
        names = [subject for _, subject in several]
        for start in range(0, len(names), MOST_SUBJECTS):
            yield wake, ",".join(names[start : start + MOST_SUBJECTS])


def send_local(database: Database, wakes: Iterable[Subject]) -> None:
    """Wake whoever waits in this process."""
    for subject in wakes:
        for event in database.waiters.get(subject, ()):
            event.set()


def wake_all(database: Database) -> None:
    """Wake everybody who waits in this process, for whatever."""
    send_local(database, [*database.waiters])


@asynccontextmanager
async def waiting_for(database: Database, *wakes: Wake, about: object = "") -> AsyncIterator[asyncio.Event]:
    """Give an event that is set at each of these wake-ups, if it is about this object; whoever waits on it clears it."""
    event = asyncio.Event()
    subjects = [(wake, str(about)) for wake in wakes]
    for subject in subjects:
        database.waiters.setdefault(subject, set()).add(event)
    try:
        yield event
    finally:
        for subject in subjects:
            database.waiters[subject].discard(event)
            if not database.waiters[subject]:
                del database.waiters[subject]


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

        def receive(_connection: Any, _pid: int, channel: str, payload: object) -> None:
            wake = Wake(channel.removeprefix(CHANNEL_PREFIX))
            send_local(database, [(wake, subject) for subject in str(payload).split(",")])

        for wake in Wake:
            await connection.add_listener(CHANNEL_PREFIX + wake, receive)
        wake_all(database)  # notices sent while nobody listened are gone: everyone looks once
        while True:
            await asyncio.sleep(PING_SECONDS)
            # A frozen peer never reports its end; only an unanswered question shows it.
            await connection.execute("SELECT 1", timeout=PING_SECONDS)
    finally:
        connection.terminate()
