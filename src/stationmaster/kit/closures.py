"""Closed times as they are stored: days of a zone that is named later, or instants."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from stationmaster.kit.closed_timetable import Stretch, join_stretches
from stationmaster.kit.instants import normalise, parse_instant
from stationmaster.kit.zone import load_zone

Closure = Sequence[str]
"""First and last: two days (`2026-12-24`, the last one included), or two instants (the second one excluded)."""

DAY_LENGTH = len("2026-12-24")


@lru_cache(maxsize=1000)
def read_closures(closures: tuple[tuple[str, str], ...], zone: str) -> tuple[Stretch, ...]:
    """Return closed times as stretches of time in a zone."""
    return join_stretches([one for first, last in closures if (one := _read(first, last, zone))[0] < one[1]])


def _read(first: str, last: str, zone: str) -> Stretch:
    if len(first) == DAY_LENGTH:
        end = date.fromisoformat(last) + timedelta(days=1)
        return _midnight(date.fromisoformat(first), zone), _midnight(end, zone)
    return parse_instant(first), parse_instant(last)


def _midnight(day: date, zone: str) -> datetime:
    return normalise(datetime.combine(day, time(), tzinfo=load_zone(zone)))


def as_key(closed: Iterable[Closure]) -> tuple[tuple[str, str], ...]:
    """Return closed times as they are stored in the form by which they are remembered."""
    return tuple((first, last) for first, last in closed)
