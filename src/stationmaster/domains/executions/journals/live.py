"""Following executions while they go on: what was said after a number, then what is being said, up to the end.

Everything in the journal has its number. `state` events that no journal holds (a job that says nothing) carry the number of
the event before them; the last event of all, `completed` or `failed`, has the number behind the last entry. So a reader who
was cut off names the last number it saw, and misses and doubles nothing.

A reader takes what is stored at its own speed. One who is slower than an execution talks falls behind what is kept of a
long log, and is told which numbers it missed (`gap`).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database
from stationmaster.db.notify import Wake
from stationmaster.db.session import read_only
from stationmaster.domains.executions.journals import chronicle
from stationmaster.domains.executions.journals.chronicle import Excerpt, Gap
from stationmaster.domains.executions.journals.entry import Entry, Kind
from stationmaster.domains.executions.journals.models import Journal
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import TERMINAL, State
from stationmaster.kit.instants import format_instant
from stationmaster.web.streams import Event, pulses

executions = table_of(Execution)
journals = table_of(Journal)
_SHOWN = ("state", "reason", "attempt", "started_at", "finished_at", "duration_seconds", "response_status", "error")


@dataclass
class Watch:
    """One reader's place in one execution."""

    execution_id: UUID
    after: int = 0
    state: str | None = None
    """The state that the reader knows; who comes back knows that it was running, and is told when it is not."""
    has_ended: bool = False
    _shared: tuple[Any, ...] = ()
    _written: str = ""
    _head: str = ""

    def __post_init__(self) -> None:
        self.state = State.RUNNING if self.after else None

    async def is_over(self, session: AsyncSession) -> bool:
        """Say whether the reader has all that there will ever be."""
        row = await _find(session, self.execution_id)
        return row is not None and row.state in TERMINAL and self.after > (row.last_sequence or 0)

    def take(self, row: Any, excerpt: Excerpt) -> list[Event]:
        """Return the events of what was found, and move on."""
        events = [self._event_of(item) for item in excerpt.items]
        self.after = max(self.after, excerpt.after)
        if excerpt.has_more:
            return events
        if row.state in TERMINAL:
            self.has_ended = True
            events += self._end(row)
        elif row.state != self.state:
            events.append(self._event("state", self.after, state=row.state, attempt=row.attempt))
        self.state = row.state
        return events

    def _event_of(self, item: Entry | Gap) -> Event:
        if isinstance(item, Gap):
            return self._event("gap", item.last, **{"from": item.first, "to": item.last, "count": item.count})
        if item.kind is Kind.OUTPUT:
            return self._output(item)
        if item.kind is Kind.STATE:
            self.state = item.value
        facts = {"at": format_instant(item.at), "attempt": item.attempt, item.kind.value: item.value}
        return self._event(item.kind.value, item.sequence, **facts)

    def _output(self, entry: Entry) -> Event:
        """Write a line as JSON by hand: what lines said together share is written once, and there are many lines."""
        shared = (entry.at, entry.attempt, entry.stream, entry.level)
        if shared != self._shared:
            self._shared = shared
            facts = f'"attempt":{entry.attempt},"stream":"{entry.stream}","level":"{entry.level}"'
            self._written = f'"at":"{format_instant(entry.at)}",{facts},"text":'
            self._head = f'{{"execution_id":"{self.execution_id}","sequence":'
        data = f"{self._head}{entry.sequence},{self._written}{encode_basestring(entry.value)}}}"
        return Event("output", data, str(entry.sequence))

    def _end(self, row: Any) -> list[Event]:
        number = (row.last_sequence or 0) + 1
        if self.after >= number:  # who comes back has seen it
            return []
        self.after = number
        facts = {name: getattr(row, name) for name in _SHOWN}
        for name in ("started_at", "finished_at"):
            facts[name] = facts[name] and format_instant(facts[name])
        return [self._event("completed" if row.state is State.SUCCEEDED else "failed", number, **facts)]

    def _event(self, name: str, sequence: int, **facts: Any) -> Event:
        data = {"execution_id": str(self.execution_id), "sequence": sequence, **facts}
        return Event(name, data, id=str(sequence))


async def follow(
    database: Database,
    stopping: asyncio.Event,
    watch: Watch,
    *,
    may_go_on: Callable[[], Awaitable[bool]],
) -> AsyncGenerator[list[Event]]:
    """Give the events of an execution in batches, from the watch's place to the end; empty ones while nothing happens.

    Ends early when the service stops, or when the reader may see no more of it.
    """
    async for _ in pulses(database, stopping, Wake.JOURNAL, about=watch.execution_id):
        if not await may_go_on():
            return
        while True:
            async with read_only(database) as session:
                row = await _find(session, watch.execution_id)
                if row is None:
                    return
                excerpt = await chronicle.read_on(session, watch.execution_id, after=watch.after)
            yield watch.take(row, excerpt)
            if watch.has_ended:
                return
            if not excerpt.has_more:
                break


async def _find(session: AsyncSession, execution_id: UUID) -> Any:
    # Asked for before the entries: whoever sees the end here then sees all that was said before it.
    statement = (
        sa.select(*(executions.c[name] for name in _SHOWN), journals.c.last_sequence)
        .join_from(executions, journals, journals.c.execution_id == executions.c.id, isouter=True)
        .where(executions.c.id == execution_id)
    )
    return (await session.execute(statement)).one_or_none()
