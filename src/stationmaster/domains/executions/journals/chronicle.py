"""Reading journals: entries from a number on, with a mark wherever some are not kept."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.executions.journal import Stream
from stationmaster.domains.executions.journals import chunks
from stationmaster.domains.executions.journals.entry import Entry, Kind, Level, decode

CHUNKS_AT_ONCE = 8
"""A chunk may have a megabyte."""
CHARACTERS_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries that are not kept, from the first to the last of them."""

    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Excerpt:
    """Part of a journal. `after` is the number of its last entry; there may be more behind it at this moment."""

    items: list[Entry | Gap]
    after: int
    has_more: bool


@dataclass(frozen=True)
class LineFilter:
    """Which lines of output are asked for; `text` is looked for without regard to case."""

    levels: tuple[Level, ...] = ()
    streams: tuple[Stream, ...] = ()
    attempt: int | None = None
    text: str = ""

    @property
    def is_open(self) -> bool:
        """Say whether it lets every line pass."""
        return self == LineFilter()

    def lets_pass(self, item: Entry | Gap) -> bool:
        """Say whether an item is shown; marks are shown where nothing is left out on request."""
        if isinstance(item, Gap):
            return self.is_open
        return (
            item.kind is Kind.OUTPUT
            and (not self.levels or item.level in self.levels)
            and (not self.streams or item.stream in self.streams)
            and (self.attempt is None or item.attempt == self.attempt)
            and (not self.text or self.text.casefold() in item.value.casefold())
        )


async def read_on(session: AsyncSession, execution_id: UUID, *, after: int) -> Excerpt:
    """Read the entries behind a number, about a megabyte of them."""
    rows = await chunks.read_chunks(session, execution_id, after=after, limit=CHUNKS_AT_ONCE)
    chosen: list[Any] = []
    size = 0
    for row in rows:
        if chosen and size + row.size_bytes > CHARACTERS_AT_ONCE:
            break
        chosen.append(row)
        size += row.size_bytes
    items = list(unfold(chosen, after))
    has_more = len(chosen) < len(rows) or len(rows) == CHUNKS_AT_ONCE
    return Excerpt(items, chosen[-1].last_sequence if chosen else after, has_more)


async def walk(database: Database, execution_id: UUID, *, after: int = 0) -> AsyncIterator[list[Entry | Gap]]:
    """Read all that is stored, piece by piece, each in a short transaction."""
    while True:
        async with read_only(database) as session:
            excerpt = await read_on(session, execution_id, after=after)
        if excerpt.items:
            yield excerpt.items
        if not excerpt.has_more:
            return
        after = excerpt.after


def unfold(rows: Sequence[Any], after: int) -> Iterator[Entry | Gap]:
    """Give the entries of chunks behind a number, and marks for what is missing between them."""
    for row in rows:
        if row.first_sequence > after + 1:
            yield Gap(after + 1, row.first_sequence - 1)
        entries = decode(row.body, first_sequence=row.first_sequence, attempt=row.attempt)
        yield from (entry for entry in entries if entry.sequence > after)
        after = row.last_sequence
