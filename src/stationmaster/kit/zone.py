"""Time zones by name, and the stretches of time between their clock changes.

Zones come from the pinned tzdata package alone, not from the machine's own files, so that all replicas agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

# Inside these, wall times and the days beside them stay within the calendar of `datetime`.
EARLIEST = datetime(3, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 1, 1, tzinfo=UTC)

_SECOND = timedelta(seconds=1)
# A change that is undone between two probes stays unseen. The shortest such pair in tzdata 2026 is 6.96 days apart.
_PROBE = timedelta(days=3)


class ZoneError(ValueError):
    """The name is not that of a time zone; the message says so for people."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time without a clock change: from `start` to just before `end`, both UTC.

    Where nothing changes for more than a year it is cut at a new year; the offsets are then equal on both sides.
    """

    start: datetime
    end: datetime
    offset: timedelta
    offset_before: timedelta
    offset_after: timedelta

    @property
    def jump_in(self) -> timedelta:
        """How far the clock jumped at the start: forward is positive."""
        return self.offset - self.offset_before

    @property
    def jump_out(self) -> timedelta:
        """How far the clock jumps at the end."""
        return self.offset_after - self.offset


def load_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name, such as `Europe/Berlin`; the case counts.

    Raises:
        ZoneError: there is no zone of that name.
    """
    if name not in zone_names():
        raise ZoneError(_explain(name))
    return _read_zone(name)


@cache
def zone_names() -> frozenset[str]:
    """Return every name that `load_zone` takes."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def _read_zone(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _explain(name: str) -> str:
    meant = _names_by_lower_case().get(name.lower())
    advice = f"did you mean {meant!r}?" if meant else "use an IANA name such as 'Europe/Berlin' or 'UTC'."
    return f"{name[:64]!r} is not a time zone; {advice}"


@cache
def _names_by_lower_case() -> dict[str, str]:
    return {name.lower(): name for name in zone_names()}


def to_wall(instant: datetime, offset: timedelta) -> datetime:
    """Return the naive wall time of an instant."""
    return instant.astimezone(UTC).replace(tzinfo=None) + offset


def from_wall(wall: datetime, offset: timedelta) -> datetime:
    """Return the UTC instant of a naive wall time."""
    return (wall - offset).replace(tzinfo=UTC)


def stretch_at(zone: tzinfo, instant: datetime) -> Stretch:
    """Return the stretch that an instant from EARLIEST to before LATEST lies in."""
    return next(stretch for stretch in _stretches_around(zone, instant.year) if instant < stretch.end)


@lru_cache(maxsize=4096)
def _stretches_around(zone: tzinfo, year: int) -> tuple[Stretch, ...]:
    """Cut three years into stretches, so that no cut without a clock change is near the middle one."""
    years = range(max(year - 1, EARLIEST.year), min(year + 2, LATEST.year))
    changes = [change for each in years for change in _changes_in(zone, each)]
    bounds = [_new_year(years.start), *changes, _new_year(years.stop)]
    return tuple(_make_stretch(zone, start, end) for start, end in pairwise(bounds))


def _make_stretch(zone: tzinfo, start: datetime, end: datetime) -> Stretch:
    before, offset, after = (_offset(zone, instant) for instant in (start - _SECOND, start, end))
    return Stretch(start, end, offset, before, after)


@lru_cache(maxsize=4096)
def _changes_in(zone: tzinfo, year: int) -> tuple[datetime, ...]:
    """Return the instants of a UTC year from which on the offset differs from the second before."""
    return tuple(_search_changes(zone, _new_year(year) - _SECOND, _new_year(year + 1) - _SECOND))


def _search_changes(zone: tzinfo, start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        probe = min(start + _PROBE, end)
        if _offset(zone, start) != _offset(zone, probe):
            yield _narrow(zone, start, probe)
        start = probe


def _narrow(zone: tzinfo, low: datetime, high: datetime) -> datetime:
    """Find the first second of the new offset by halving."""
    old = _offset(zone, low)
    while high - low > _SECOND:
        middle = low + (high - low) // timedelta(seconds=2) * _SECOND
        low, high = (middle, high) if _offset(zone, middle) == old else (low, middle)
    return high


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)
