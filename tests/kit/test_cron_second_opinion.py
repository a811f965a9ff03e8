"""Our slots against cronsim, a second implementation that knows nothing of ours.

cronsim follows Debian's cron, and so do our defaults for the expressions below: fixed hours run right after a gap and at the
first of two equal times; every-hour ones follow elapsed time. It differs in these ways, tested by hand in
`test_cron_timetable`:

- It lists an instant twice where several slots fall together after a gap; repetitions are dropped here.
- It calls an expression fixed when neither minute nor hour *starts with a star*; we go by whether the hours are all 24.
  So `*/15 2 * * *` and `0 */2 * * *` are left out.
- Where a single minute is asked for in each hour, it steps by 60 minutes of elapsed time, and so steps over one slot at a
  change of half an hour: `45 * * * *` in Lord Howe is left out.
- It runs an every-hour expression at the end of a missing day as if that instant belonged to it: `0,30 * 30 * *` in Apia is
  left out.
- It takes `10-10/15` for `10-59/15`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest
from cronsim import CronSim

from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import CronTimetable
from stationmaster.kit.timetable import list_next
from stationmaster.kit.zone import load_zone, stretch_at

STARTS = {
    "Europe/Berlin": (
        "2026-03-28T12:00",
        "2026-03-29T01:30",
        "2026-10-24T12:00",
        "2026-10-25T00:30",
        "2028-02-27T00:00",
    ),
    "America/New_York": (
        "2026-03-07T12:00",
        "2026-03-08T06:30",
        "2026-10-31T12:00",
        "2026-11-01T05:30",
        "2027-12-30T20:00",
    ),
    "Australia/Lord_Howe": (
        "2026-04-03T12:00",
        "2026-04-04T14:40",
        "2026-10-02T12:00",
        "2026-10-03T15:10",
        "2027-06-30T00:00",
    ),
    "America/Sao_Paulo": (
        "2018-02-17T12:00",
        "2018-02-18T01:30",
        "2018-11-03T12:00",
        "2018-11-04T02:30",
        "2030-01-01T00:00",
    ),
    "Pacific/Apia": (
        "2011-12-29T00:00",
        "2011-12-30T09:59",
        "2011-09-23T00:00",
        "2012-03-31T00:00",
        "2012-03-31T13:30",
    ),
    "UTC": ("2026-03-28T12:00", "2026-10-24T12:00", "2027-12-31T23:59", "2028-02-28T00:00", "1999-12-31T23:30"),
}

EXPRESSIONS = (
    *(
        "30 2 * * *",
        "0 0 * * *",
        "30 1 * * *",
        "0 2,3 * * *",
        "10,40 2 * * 0",
        "59 23 * * *",
        "15 0 * * *",
        "0 3 * * 1-5",
    ),
    *("45 2 1,29 * 0", "0 12 L * *", "0 0 29 2 *", "5 1-3 30 12 *", "30 22 */2 * MON", "0 6 1-7,L jan-jun 5"),
    *("0 * * * *", "*/15 * * * *", "17 * * * *", "* * * * *"),
)


def ask_cronsim(expression: str, zone: str, start: datetime) -> Iterator[datetime]:
    """Yield distinct UTC instants strictly after the start."""
    latest = start
    for slot in CronSim(expression, start.astimezone(load_zone(zone))):
        instant = slot.astimezone(UTC)
        if instant > latest:
            latest = instant
            yield instant


@pytest.mark.parametrize("zone", STARTS)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_next_five_agree(expression: str, zone: str) -> None:
    """510 vectors: each expression, zone and start."""
    timetable = CronTimetable(parse(expression), load_zone(zone))
    starts = [datetime.fromisoformat(start).replace(tzinfo=UTC) for start in STARTS[zone]]

    for start in starts:
        assert list(islice(ask_cronsim(expression, zone, start), 5)) == list_next(timetable, start, 5), start


@pytest.mark.parametrize("zone", STARTS)
@pytest.mark.parametrize("expression", ["30 2 * * *", "0 0 * * *", "15 1 * * 0", "*/30 * * * *"])
def test_twenty_years_of_clock_changes_agree(expression: str, zone: str) -> None:
    """All slots from 30 hours before to 30 hours after each change from 2006 to 2026; some new years for UTC."""
    timetable = CronTimetable(parse(expression), load_zone(zone))

    for change in list_changes(zone, year=2006, until=2026):
        start, end = change - timedelta(hours=30), change + timedelta(hours=30)
        expected = list(takewhile(lambda slot, end=end: slot <= end, ask_cronsim(expression, zone, start)))  # type: ignore[misc]
        assert expected == list_next(timetable, start, len(expected))
        assert len(expected) == timetable.count_between(start + timedelta(seconds=1), end + timedelta(seconds=1))


def list_changes(zone: str, *, year: int, until: int) -> list[datetime]:
    changes = [datetime(year, 1, 1, tzinfo=UTC)]
    while changes[-1].year < until:
        changes.append(stretch_at(load_zone(zone), changes[-1]).end)
    assert all(earlier < later for earlier, later in pairwise(changes))
    return changes
