"""`from` and `to`: the range of time that a list is narrowed to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.instants import parse_span

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
    return make_range(start, end)


def make_range(start: str | None, end: str | None, *, names: tuple[str, str] = ("from", "to")) -> TimeRange:
    """Make a range of two texts; `names` are those of the parameters that they came in.

    Raises:
        Invalid: as above.
    """
    found = TimeRange(_read(start, names[0], whole_day=False), _read(end, names[1], whole_day=True))
    if found.start and found.end and found.start >= found.end:
        raise Invalid(FieldError(f"must be after `{names[0]}`", parameter=names[1]))
    return found


TimeRangeDep = Annotated[TimeRange, Depends(read_time_range)]


def _read(text: str | None, parameter: str, *, whole_day: bool) -> datetime | None:
    if text is None:
        return None
    try:
        span = parse_span(text)
    except ValueError as error:
        raise Invalid(FieldError(str(error), parameter=parameter)) from error
    return span.end if whole_day and span.is_day else span.start
