"""Executions in figures."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import statistics
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.repository import Filters
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.kit.ids import new_id

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def record(
    state: State = State.SUCCEEDED,
    *,
    at: datetime = NOON,
    seconds: float | None = None,
    late: float | None = None,
    slots: int = 1,
) -> Execution:
    is_planned = late is not None
    return Execution(
        kind="webhook",
        trigger=Trigger.SCHEDULE if is_planned else Trigger.MANUAL,
        state=state,
        job_id=JOB,
        schedule_id=new_id() if is_planned else None,
        scheduled_for=at if is_planned else None,
        queued_at=at,
        available_at=at,
        turn_at=at,
        started_at=at + timedelta(seconds=late or 0),
        duration_seconds=seconds,
        slot_count=slots,
    )


JOB = new_id()
ALL = Filters(job_id=JOB, end=NOON + DAY)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], [None] * 5),
        ([3.0], [3.0] * 5),
        ([float(number) for number in range(1, 101)], [50, 90, 95, 99, 100]),
        ([2.0, 1.0], [1, 2, 2, 2, 2]),
    ],
)
def test_percentiles_are_values_that_occurred(values: list[float], expected: list[float | None]) -> None:
    assert expected == list(statistics.find_percentiles(values).model_dump().values())


async def test_durations_are_those_of_successes_and_lateness_that_of_slots(session: AsyncSession) -> None:
    session.add_all([record(seconds=number) for number in range(1, 11)])
    session.add_all([record(State.FAILED, seconds=99), record(late=2.5, seconds=5), record(State.FAILED, late=0.5)])
    await session.flush()

    figures = await statistics.read_figures(session, ALL)

    assert (5, 10, 10) == (figures.duration_seconds.p50, figures.duration_seconds.p99, figures.duration_seconds.longest)
    assert (0.5, 2.5) == (figures.lateness_seconds.p50, figures.lateness_seconds.longest)
    assert (13, 11, 2, 84.62) == (figures.total, figures.succeeded, figures.failed, figures.success_rate)


async def test_a_trend_has_a_day_for_each_on_which_something_was(session: AsyncSession) -> None:
    late_at_night = NOON.replace(hour=23, minute=59)
    session.add_all([record(seconds=2), record(seconds=4), record(State.LOST), record(State.SKIPPED, slots=7)])
    session.add_all([record(at=late_at_night - DAY), record(at=NOON - 40 * DAY, seconds=1)])
    await session.flush()

    trend = (await statistics.read_figures(session, ALL)).trend
    older = (await statistics.read_figures(session, Filters(job_id=JOB, start=NOON - 60 * DAY, end=NOON + DAY))).trend

    assert [("2026-11-20", 1, 1, 0, 0, None), ("2026-11-21", 4, 2, 1, 7, 3.0)] == [
        (str(day.date), day.total, day.succeeded, day.failed, day.skipped_slots, day.average_duration_seconds)
        for day in trend
    ]
    assert ["2026-10-12", "2026-11-20", "2026-11-21"] == [str(day.date) for day in older]


async def test_nothing_has_no_figures(session: AsyncSession) -> None:
    figures = await statistics.read_figures(session, Filters(job_id=new_id()))

    assert (0, None, None, []) == (figures.total, figures.success_rate, figures.duration_seconds.p50, figures.trend)
