"""Instants in the form the API speaks: RFC 3339, UTC, `Z`, milliseconds at most."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?P<zone>[Zz]|[+-]\d{2}:\d{2})?\Z", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


def format_instant(instant: datetime) -> str:
    """Write an aware instant, cut to milliseconds.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant; seconds may be left out, the zone may not. Returns UTC, cut to milliseconds.

    Raises:
        ValueError: it is something else, has no zone, or is no instant between the years 1 and 9999.
    """
    match = _RFC_3339.match(text)
    if match is None:
        raise ValueError("write an instant as 2026-11-21T08:30:00Z or 2026-11-21T09:30:00+01:00 (+ is %2B in a URL)")
    if match["zone"] is None:
        raise ValueError("say in which time zone: add Z for UTC or an offset such as +01:00")
    try:
        return normalise(datetime.fromisoformat(text.upper()))
    except OverflowError as error:
        raise ValueError("that instant is outside the years 1 to 9999") from error


def normalise(instant: datetime) -> datetime:
    """Move an aware instant to UTC and cut it to milliseconds."""
    return instant.astimezone(UTC).replace(microsecond=instant.microsecond // 1000 * 1000)


@dataclass(frozen=True)
class Span:
    """What a text about time covers: `start` inclusive, `end` exclusive, UTC."""

    start: datetime
    end: datetime
    is_day: bool


def parse_span(text: str) -> Span:
    """Read a date as the whole day, and an instant (UTC when it names no zone) as its millisecond.

    Raises:
        ValueError: it is neither, or ends outside the years 1 to 9999.
    """
    try:
        return _day(text) if _DAY.match(text) else _millisecond(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            "write an instant (RFC 3339, UTC when it names no zone) or a date, such as 2026-11-21"
        ) from error


def _day(text: str) -> Span:
    day = date.fromisoformat(text)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Span(start, start + timedelta(days=1), is_day=True)


def _millisecond(text: str) -> Span:
    match = _RFC_3339.match(text)
    start = parse_instant(f"{text}Z" if match and match["zone"] is None else text)
    return Span(start, start + timedelta(milliseconds=1), is_day=False)
