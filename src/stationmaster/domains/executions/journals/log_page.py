"""Pages of an execution's log: lines of output that pass a filter, oldest first, by number of page or from a line on."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions.journals import chronicle
from stationmaster.domains.executions.journals.chronicle import Gap, LineFilter
from stationmaster.domains.executions.journals.entry import Entry

Line = Entry | Gap
_CURSOR = re.compile(r"(after|before)-(\d{1,18})\Z", re.ASCII)


class BadCursor(ValueError):
    """A text that is no place in a log."""


@dataclass(frozen=True)
class LogPart:
    """Some lines, and the cursors of those before and behind."""

    lines: list[Line]
    next_cursor: str | None
    previous_cursor: str | None


async def read_page(
    session: AsyncSession, execution_id: UUID, which: LineFilter, *, start: int, size: int, cap: int | None
) -> tuple[list[Line], int]:
    """Return the lines of one page, and how many there are on all pages; behind the page and a cap nothing is counted."""
    lines: list[Line] = []
    total = 0
    async for line in _pass(session, execution_id, which):
        if start <= total < start + size:
            lines.append(line)
        total += 1
        if cap is not None and total > cap and total >= start + size:
            break
    return lines, total


async def read_part(
    session: AsyncSession, execution_id: UUID, which: LineFilter, *, cursor: str, size: int, is_growing: bool
) -> LogPart:
    """Return the lines at a cursor, or the first ones. What grows always has a next cursor.

    Raises:
        BadCursor
    """
    found = _CURSOR.match(cursor) if cursor else None
    if cursor and not found:
        raise BadCursor
    if found and found[1] == "before":
        return await _read_before(session, execution_id, which, before=int(found[2]), size=size)
    after = int(found[2]) if found else 0
    lines: list[Line] = []
    async for line in _pass(session, execution_id, which, after=after):
        lines.append(line)
        if len(lines) > size:
            break
    has_more = len(lines) > size
    lines = lines[:size]
    last = last_of(lines[-1]) if lines else after
    return LogPart(
        lines,
        f"after-{last}" if has_more or is_growing else None,
        f"before-{first_of(lines[0]) if lines else last + 1}" if after else None,
    )


async def _read_before(
    session: AsyncSession, execution_id: UUID, which: LineFilter, *, before: int, size: int
) -> LogPart:
    lines: list[Line] = []
    async for line in _pass(session, execution_id, which):
        if first_of(line) >= before:
            break
        lines.append(line)
        del lines[: -size - 1]
    has_more = len(lines) > size
    lines = lines[-size:]
    previous = f"before-{first_of(lines[0])}" if has_more else None
    return LogPart(lines, f"after-{last_of(lines[-1]) if lines else 0}", previous)


async def _pass(session: AsyncSession, execution_id: UUID, which: LineFilter, *, after: int = 0) -> AsyncIterator[Line]:
    while True:
        excerpt = await chronicle.read_on(session, execution_id, after=after)
        for item in excerpt.items:
            if which.lets_pass(item):
                yield item
        if not excerpt.has_more:
            return
        after = excerpt.after


def first_of(line: Line) -> int:
    """Return the number of a line, or the first one that a mark stands for."""
    return line.first if isinstance(line, Gap) else line.sequence


def last_of(line: Line) -> int:
    """Return the number of a line, or the last one that a mark stands for."""
    return line.last if isinstance(line, Gap) else line.sequence
