"""Our slots around clock changes against the rule itself, applied to every minute.

The reference asks of each UTC minute what the clock shows (PEP 495), and of each jump what it left out. It shares the
expression's numbers with our code, and nothing of how slots are found.
"""

from datetime import UTC, datetime, timedelta, tzinfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stationmaster.kit.cron import Cron, parse
from stationmaster.kit.cron_timetable import CronTimetable, DstFold, DstGap
from stationmaster.kit.timetable import RESOLUTION, list_newest_between, list_next
from stationmaster.kit.zone import load_zone

MINUTE = timedelta(minutes=1)

CHANGES = (
    *(("Europe/Berlin", "2026-03-29T01:00"), ("Europe/Berlin", "2026-10-25T01:00")),
    *(("Australia/Lord_Howe", "2026-04-04T15:00"), ("Australia/Lord_Howe", "2026-10-03T15:30")),
    *(("America/Sao_Paulo", "2018-02-18T02:00"), ("America/Sao_Paulo", "2018-11-04T03:00")),
    *(("Pacific/Apia", "2011-12-30T10:00"), ("Pacific/Apia", "2012-03-31T14:00")),
    *(("Africa/Casablanca", "1985-12-31T23:00"), ("Africa/Casablanca", "2026-03-22T02:00")),
    *(("America/Managua", "1997-01-01T05:00"), ("Pacific/Kwajalein", "1993-08-21T12:00")),
    *(("America/Caracas", "2007-12-09T07:00"), ("Asia/Pyongyang", "2018-05-04T15:00")),
)

# Hours where clocks change, in all the ways to ask for them.
near_changes = st.builds(
    "{} {} {} * {}".format,
    st.sampled_from(["0", "30", "5", "*/15", "15,45", "*"]),
    st.sampled_from(["*", "0", "1", "2", "3", "23", "1-3", "0-3", "*/2", "0-22", "22,23,0"]),
    st.sampled_from(["*", "*", "1", "30", "L", "*/2"]),
    st.sampled_from(["*", "*", "0", "5", "6"]),
)


def is_slot(cron: Cron, wall: datetime) -> bool:
    return cron.matches_day(wall.date()) and wall.hour in cron.hours and wall.minute in cron.minutes


def counts_in_fold(timetable: CronTimetable, local: datetime) -> bool:
    """Tell whether this one of two equal wall times is chosen."""
    offsets = {local.replace(fold=fold).utcoffset() for fold in (0, 1)}
    chosen = {DstFold.FIRST: (0,), DstFold.SECOND: (1,), DstFold.BOTH: (0, 1)}[timetable.fold]
    return len(offsets) == 1 or local.fold in chosen


def skipped_times(zone: tzinfo, instant: datetime) -> list[datetime]:
    """Return the wall minutes that the clock jumped over just before an instant."""
    before, now = ((instant - ago).astimezone(zone).replace(tzinfo=None) for ago in (MINUTE, timedelta(0)))
    return [before + n * MINUTE for n in range(1, (now - before) // MINUTE)]


def fires_at(timetable: CronTimetable, instant: datetime) -> bool:
    local = instant.astimezone(timetable.zone)
    fires = is_slot(timetable.cron, local.replace(tzinfo=None))
    if timetable.cron.runs_every_hour:
        return fires
    if timetable.gap is DstGap.RUN_AFTER and any(
        is_slot(timetable.cron, wall) for wall in skipped_times(timetable.zone, instant)
    ):
        return True
    return fires and counts_in_fold(timetable, local)


@settings(max_examples=250, deadline=None)
@given(
    expression=near_changes,
    change=st.sampled_from(CHANGES),
    gap=st.sampled_from(DstGap),
    fold=st.sampled_from(DstFold),
    before=st.integers(0, 1_600),
    after=st.integers(0, 1_600),
)
def test_slots_are_those_of_the_rule(
    *, expression: str, change: tuple[str, str], gap: DstGap, fold: DstFold, before: int, after: int
) -> None:
    timetable = CronTimetable(parse(expression), load_zone(change[0]), gap, fold)
    at = datetime.fromisoformat(change[1]).replace(tzinfo=UTC)
    start, end = at - before * MINUTE, at + after * MINUTE
    expected = [start + n * MINUTE for n in range(before + after) if fires_at(timetable, start + n * MINUTE)]
    assume(len(expected) < 500)

    assert expected == list_next(timetable, start - RESOLUTION, len(expected))
    assert expected == list_newest_between(timetable, start, end, 500)
    assert len(expected) == timetable.count_between(start, end)
