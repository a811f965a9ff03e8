"""`from` and `to`: the range of time that a list is narrowed to."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from stationmaster.errors import FieldError, Invalid
from stationmaster.web.instants import parse_instant

_FORM = "An instant (RFC 3339, UTC when it names no zone) or a date"
FromParameter = Annotated[str | None, Query(alias="from", max_length=64, description=f"{_FORM}; inclusive.")]
ToParameter = Annotated[
    str | None, Query(alias="to", max_length=64, description=f"{_FORM}, which is covered whole; exclusive.")
]


@dataclass(frozen=True)
class TimeRange:
    """`start` inclusive, `end` exclusive, either may be open; UTC."""

    start: datetime | None = None
    end: datetime | None = None


async def read_time_range(start: FromParameter = None, end: ToParameter = None) -> TimeRange:
    """Read both ends.

    Raises:
        Invalid: an end cannot be read, or the range is empty.
    """
    found = TimeRange(_read(start, "from", whole_day=False), _read(end, "to", whole_day=True))
    if found.start and found.end and found.start >= found.end:
        raise Invalid(FieldError("must be after `from`", parameter="to"))
    return found


TimeRangeDep = Annotated[TimeRange, Depends(read_time_range)]


def _read(text: str | None, parameter: str, *, whole_day: bool) -> datetime | None:
    if text is None:
        return None
    try:
        return _read_day(text, whole_day=whole_day) if len(text) == len("2026-11-21") else _read_instant(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(FieldError(f"{_FORM.lower()} is needed, such as 2026-11-21", parameter=parameter)) from error


def _read_day(text: str, *, whole_day: bool) -> datetime:
    day = date.fromisoformat(text)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + timedelta(days=1) if whole_day else start


def _read_instant(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parse_instant(text if parsed.tzinfo else f"{text}Z")
