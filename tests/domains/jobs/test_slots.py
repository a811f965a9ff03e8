"""What becomes of due slots: every one of them is accounted for, and only what may still run does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.domains.executions.states import Reason
from stationmaster.domains.jobs.slots import GRACE, Decision, Gap, Misfire, decide, decide_paused, find_gap
from stationmaster.kit.cron import parse
from stationmaster.kit.cron_timetable import CronTimetable
from stationmaster.kit.timetable import RESOLUTION, IntervalTimetable, LimitedTimetable, OnceTimetable, Timetable
from stationmaster.kit.zone import load_zone

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
HOURLY = IntervalTimetable(NOON, 3600)


def misfire(policy: str = "last", **fields: float) -> Misfire:
    return Misfire.model_validate({"policy": policy, **fields})


def walk(timetable: Timetable, start: datetime, until: datetime) -> list[datetime]:
    """List the slots with start <= slot <= until one by one, as `decide` must not."""
    slots = []
    slot = timetable.next_after(start - RESOLUTION)
    while slot is not None and slot <= until:
        slots.append(slot)
        slot = timetable.next_after(slot)
    return slots


def hours(*numbers: int) -> list[datetime]:
    return [NOON + number * HOUR for number in numbers]


@dataclass(frozen=True)
class Counted:
    """A timetable that counts the questions it is asked."""

    inner: Timetable
    questions: list[str]

    def next_after(self, instant: datetime) -> datetime | None:
        self.questions.append("next_after")
        return self.inner.next_after(instant)

    def newest_at_or_before(self, instant: datetime) -> datetime | None:
        self.questions.append("newest_at_or_before")
        return self.inner.newest_at_or_before(instant)

    def count_between(self, start: datetime, end: datetime) -> int:
        self.questions.append("count_between")
        return self.inner.count_between(start, end)

    def shortest_gap_seconds(self) -> int | None:
        return self.inner.shortest_gap_seconds()

    def describe(self) -> str:
        return self.inner.describe()


timetables: st.SearchStrategy[Timetable] = st.one_of(
    st.builds(IntervalTimetable, st.just(NOON), st.integers(1, 7200)),
    st.sampled_from(
        [
            CronTimetable(parse(text), load_zone(zone))
            for text in ("* * * * *", "30 2 * * *", "*/15 9-17 * * 1-5")
            for zone in ("UTC", "Europe/Berlin")
        ]
    ),
    st.builds(OnceTimetable, st.just(NOON)),
    st.builds(
        lambda seconds, length: LimitedTimetable(IntervalTimetable(NOON, seconds), NOON, NOON + length * HOUR),
        st.integers(60, 7200),
        st.integers(1, 20),
    ),
)
misfires = st.builds(
    misfire,
    st.sampled_from(["skip", "last", "all"]),
    max_lateness_seconds=st.floats(0.001, 40_000),
    max_runs=st.integers(1, 50),
)
outages = st.timedeltas(timedelta(0), timedelta(hours=24))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Timetable, datetime, datetime]:
    """Draw a timetable, its earliest undecided slot, and now."""
    timetable = draw(timetables)
    due = timetable.next_after(NOON - RESOLUTION)
    assert due is not None
    longest = timedelta(hours=1) if timetable.shortest_gap_seconds() == 1 else timedelta(hours=30)
    return timetable, due, due + draw(st.timedeltas(timedelta(0), longest))


def assert_all_are_in(decision: Decision, slots: Sequence[datetime]) -> None:
    """Every slot is in the gap or in the runs, once, and the runs are the newest."""
    skipped = len(slots) - len(decision.runs)
    assert list(decision.runs) == slots[skipped:]
    gap = decision.gap
    assert (slots[0], slots[skipped - 1], skipped) == (gap.first, gap.last, gap.count) if gap else skipped == 0


@settings(deadline=None)
@given(situations(), misfires)
def test_each_due_slot_is_accounted_for_exactly_once(
    situation: tuple[Timetable, datetime, datetime], policy: Misfire
) -> None:
    timetable, due, now = situation

    decision = decide(timetable, due, now, policy)

    slots = walk(timetable, due, now)
    assert_all_are_in(decision, slots)
    assert slots[-1] == decision.newest
    assert timetable.next_after(now) == decision.next_run_at


@settings(deadline=None)
@given(situations(), misfires)
def test_nothing_runs_later_or_more_often_than_the_policy_allows(
    situation: tuple[Timetable, datetime, datetime], policy: Misfire
) -> None:
    timetable, due, now = situation

    runs = decide(timetable, due, now, policy).runs

    allowed = timedelta(seconds=policy.max_lateness_seconds)
    assert all(now - run <= allowed for run in runs)
    assert len(runs) <= (policy.max_runs if policy.policy == "all" else 1)


@settings(deadline=None)
@given(situations(), st.timedeltas(timedelta(hours=-2), timedelta(hours=40)))
def test_a_pause_covers_the_slots_before_its_end_and_leaves_the_others(
    situation: tuple[Timetable, datetime, datetime], length: timedelta
) -> None:
    timetable, due, now = situation
    until = due + length

    decision = decide_paused(timetable, due, now, until)

    covered = [slot for slot in walk(timetable, due, now) if slot < until]
    following = timetable.next_after(max(due, min(until, now + RESOLUTION)) - RESOLUTION)
    assert_all_are_in(decision, covered)
    assert (following, covered[-1] if covered else None) == (decision.next_run_at, decision.newest)


@pytest.mark.parametrize(
    ("policy", "now", "runs", "skipped"),
    [
        (misfire("last"), NOON, hours(0), 0),
        (misfire("last"), NOON + 5 * HOUR, hours(5), 5),
        (misfire("last"), NOON + 5.5 * HOUR, hours(5), 5),
        (misfire("last", max_lateness_seconds=60), NOON + 5.5 * HOUR, [], 6),
        (misfire("skip"), NOON + GRACE, hours(0), 0),
        (misfire("skip"), NOON + GRACE + RESOLUTION, [], 1),
        (misfire("skip"), NOON + 5 * HOUR, hours(5), 5),
        (misfire("skip", max_lateness_seconds=1), NOON + 2 * SECOND, [], 1),
        (misfire("all"), NOON + 5.5 * HOUR, hours(5), 5),
        (misfire("all", max_lateness_seconds=86_400), NOON + 5 * HOUR, hours(0, 1, 2, 3, 4, 5), 0),
        (misfire("all", max_lateness_seconds=86_400, max_runs=2), NOON + 5 * HOUR, hours(4, 5), 4),
        (misfire("all", max_lateness_seconds=7200), NOON + 5 * HOUR, hours(3, 4, 5), 3),
    ],
)
def test_the_policy_chooses_what_runs_late(policy: Misfire, now: datetime, runs: list[datetime], skipped: int) -> None:
    decision = decide(HOURLY, NOON, now, policy)

    assert (runs, skipped) == (list(decision.runs), decision.gap.count if decision.gap else 0)


@pytest.mark.parametrize(
    ("policy", "now", "reason"),
    [
        (misfire("last"), NOON + 5 * HOUR, Reason.MERGED),
        (misfire("last", max_lateness_seconds=60), NOON + 5.5 * HOUR, Reason.TOO_LATE),
        (misfire("skip"), NOON + 5.5 * HOUR, Reason.TOO_LATE),
        (misfire("all", max_lateness_seconds=86_400, max_runs=2), NOON + 5 * HOUR, Reason.TOO_LATE),
    ],
)
def test_the_gap_names_why_its_slots_did_not_run(policy: Misfire, now: datetime, reason: Reason) -> None:
    gap = decide(HOURLY, NOON, now, policy).gap

    assert gap is not None
    assert reason is gap.reason


def test_nothing_due_decides_nothing_and_aims_at_the_next_slot() -> None:
    assert Decision((), None, None, NOON + HOUR) == decide(HOURLY, NOON + HOUR, NOON + 60 * SECOND, misfire())


def test_the_last_slot_of_all_leaves_nothing_to_come() -> None:
    assert Decision((NOON,), None, NOON, None) == decide(OnceTimetable(NOON), NOON, NOON + SECOND, misfire())


def test_a_pause_without_an_end_leaves_the_next_slot_undecided() -> None:
    decision = decide_paused(HOURLY, NOON, NOON + 2.5 * HOUR, None)

    gap = Gap(NOON, NOON + 2 * HOUR, 3, Reason.PAUSED)
    assert Decision((), gap, NOON + 2 * HOUR, NOON + 3 * HOUR) == decision


def test_a_slot_at_the_very_end_of_a_pause_is_not_part_of_it() -> None:
    decision = decide_paused(HOURLY, NOON, NOON + 5 * HOUR, NOON + 2 * HOUR)

    assert Decision((), Gap(NOON, NOON + HOUR, 2, Reason.PAUSED), NOON + HOUR, NOON + 2 * HOUR) == decision


def test_an_instant_without_a_slot_is_no_gap() -> None:
    assert find_gap(HOURLY, NOON + SECOND, NOON + HOUR, Reason.PAUSED) is None


@pytest.mark.parametrize(("policy", "most"), [("skip", 6), ("last", 6), ("all", 106)])
def test_a_year_of_seconds_is_arithmetic_and_not_a_walk(policy: str, most: int) -> None:
    """F13: 31.5 million missed slots take a handful of questions, and one more for each that runs."""
    timetable = Counted(IntervalTimetable(NOON, 1), [])
    now = NOON + timedelta(days=365)

    decision = decide(timetable, NOON, now, misfire(policy))

    missed = 365 * 86_400 + 1
    assert missed == len(decision.runs) + (decision.gap.count if decision.gap else 0)
    assert len(timetable.questions) <= most


def test_alike_misfires_hash_alike() -> None:
    """The tick shares one calculation among all schedules that are alike."""
    assert 1 == len({misfire("last"), misfire("last"), misfire("last", max_runs=100)})
