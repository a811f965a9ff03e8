"""Zone names, and the stretches between clock changes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from stationmaster.kit.zone import (
    EARLIEST,
    LATEST,
    Stretch,
    ZoneError,
    from_wall,
    load_zone,
    stretch_at,
    to_wall,
    zone_names,
)

HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def walk(zone: str, start: datetime, end: datetime) -> list[Stretch]:
    stretches = [stretch_at(load_zone(zone), start)]
    while stretches[-1].end < end:
        stretches.append(stretch_at(load_zone(zone), stretches[-1].end))
    return stretches


def test_every_name_loads_and_keeps_its_name() -> None:
    assert len(zone_names()) > 590
    assert all(str(load_zone(name)) == name for name in zone_names())


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "Europe", "Europe/Atlantis", "Europe/Berlin ", "Europe/Berlin\x00", "UTC\n", "+02:00", "localtime"),
        *("/etc/localtime", "../../etc/passwd", "Europe/../Europe/Berlin", "posix/Europe/Berlin", "zones", "tzdata.zi"),
        *("\ud800", "\uff35TC", "x" * 100_000),
    ],
)
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ZoneError, match="is not a time zone; use an IANA name") as caught:
        load_zone(name)

    assert len(str(caught.value)) < 250


def test_a_name_in_the_wrong_case_is_corrected() -> None:
    with pytest.raises(ZoneError, match="did you mean 'Europe/Berlin'"):
        load_zone("europe/berlin")


@pytest.mark.parametrize(
    ("zone", "instant", "start", "end", "hours"),
    [
        ("Europe/Berlin", "2026-06-01", "2026-03-29T01:00", "2026-10-25T01:00", (1, 2, 1)),
        ("Europe/Berlin", "2026-10-25T01:00", "2026-10-25T01:00", "2027-03-28T01:00", (2, 1, 2)),
        ("Australia/Lord_Howe", "2026-06-01", "2026-04-04T15:00", "2026-10-03T15:30", (11, 10.5, 11)),
        ("Pacific/Apia", "2011-12-30T09:59:59", "2011-09-24T14:00", "2011-12-30T10:00", (-11, -10, 14)),
        ("Asia/Gaza", "2040-10-23", "2040-10-20T00:00", "2040-10-26T23:00", (2, 3, 2)),
        ("Asia/Dhaka", "2009-12-31T17:00", "2009-12-31T17:00", "2011-01-01T00:00", (7, 6, 6)),
        ("UTC", "2026-06-01", "2025-01-01", "2028-01-01", (0, 0, 0)),
    ],
)
def test_a_stretch_lies_between_two_changes(
    zone: str, instant: str, start: str, end: str, hours: tuple[float, float, float]
) -> None:
    before, offset, after = (HOUR * each for each in hours)

    assert Stretch(at(start), at(end), offset, before, after) == stretch_at(load_zone(zone), at(instant))


@pytest.mark.parametrize(
    "zone", ["America/Sao_Paulo", "Africa/Casablanca", "Asia/Gaza", "Pacific/Apia", "Antarctica/Troll"]
)
def test_no_change_is_missed(zone: str) -> None:
    """Against looking at the offset each hour of three years that had many changes."""
    start, end = at("2009-01-01"), at("2012-01-01")
    instants = [start + n * HOUR for n in range(int((end - start) / HOUR) + 1)]
    offsets = {instant: instant.astimezone(load_zone(zone)).utcoffset() for instant in instants}
    expected = [later for earlier, later in pairwise(instants) if offsets[earlier] != offsets[later]]

    found = [each.end for each in walk(zone, start, end) if each.jump_out and each.end <= end]

    assert expected == [start + -((start - change) // HOUR) * HOUR for change in found]


def test_a_jump_is_positive_when_clocks_go_forward() -> None:
    summer = stretch_at(load_zone("Europe/Berlin"), at("2026-06-01"))

    assert (summer.jump_in, summer.jump_out) == (HOUR, -HOUR)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Pacific/Kiritimati", "Pacific/Niue"])
def test_stretches_reach_to_the_ends_of_the_calendar(zone: str) -> None:
    assert stretch_at(load_zone(zone), EARLIEST).start == EARLIEST
    assert walk(zone, at("9990-01-01"), LATEST)[-1].end == LATEST


def test_wall_time_and_utc_are_inverse() -> None:
    wall = to_wall(at("2026-06-01T12:00"), 2 * HOUR)

    assert datetime.fromisoformat("2026-06-01T14:00") == wall
    assert at("2026-06-01T12:00") == from_wall(wall, 2 * HOUR)
