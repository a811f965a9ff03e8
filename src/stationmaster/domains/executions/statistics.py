"""How executions went, in figures: counts, percentiles of their durations, a trend by day, and how late they began."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.statements import dialect_of
from stationmaster.domains.executions import service
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.repository import Filters, conditions_of
from stationmaster.domains.executions.schemas import DayOut, FiguresOut, PercentilesOut
from stationmaster.domains.executions.states import State, Trigger

SAMPLE = 10_000
"""Percentiles are those of the newest so many."""
TREND = timedelta(days=31)
LONGEST_TREND = timedelta(days=366)

executions = table_of(Execution)


async def read_figures(session: AsyncSession, filters: Filters) -> FiguresOut:
    """Return all figures of the executions that the filters let through."""
    counted = await service.get_statistics(session, filters)
    return FiguresOut(
        **counted.model_dump(),
        duration_seconds=find_percentiles(await _list_durations(session, filters)),
        lateness_seconds=find_percentiles(await _list_lateness(session, filters)),
        trend=await _read_trend(session, filters),
    )


def find_percentiles(values: Sequence[float]) -> PercentilesOut:
    """Return percentiles by the nearest rank; all null when there are no values."""
    ordered = sorted(values)

    def at(share: float) -> float | None:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 6) if ordered else None

    return PercentilesOut(p50=at(0.5), p90=at(0.9), p95=at(0.95), p99=at(0.99), longest=at(1))


async def _list_durations(session: AsyncSession, filters: Filters) -> list[float]:
    statement = (
        sa.select(executions.c.duration_seconds)
        .where(
            *conditions_of(filters),
            executions.c.state == State.SUCCEEDED,
            executions.c.duration_seconds.is_not(None),
        )
        .order_by(executions.c.id.desc())
        .limit(SAMPLE)
    )
    return list(await session.scalars(statement))


async def _list_lateness(session: AsyncSession, filters: Filters) -> list[float]:
    statement = (
        sa.select(executions.c.scheduled_for, executions.c.started_at)
        .where(
            *conditions_of(filters),
            executions.c.trigger == Trigger.SCHEDULE,
            executions.c.started_at.is_not(None),
        )
        .order_by(executions.c.id.desc())
        .limit(SAMPLE)
    )
    rows = await session.execute(statement)
    return [max(0.0, (started_at - planned_at).total_seconds()) for planned_at, started_at in rows]


async def _read_trend(session: AsyncSession, filters: Filters) -> list[DayOut]:
    """Return a day for each on which something was queued, oldest first."""
    end = filters.end or await database_now(session)
    start = max(filters.start or end - TREND, end - LONGEST_TREND)
    day = _day_of(session)
    statement = (
        sa.select(
            day.label("day"),
            executions.c.state,
            sa.func.count().label("number"),
            sa.func.sum(executions.c.slot_count).label("slots"),
            sa.func.avg(executions.c.duration_seconds).label("average"),
        )
        .where(*conditions_of(filters), executions.c.queued_at >= start)
        .group_by(day, executions.c.state)
        .order_by(day)
    )
    by_day: dict[str, list[Any]] = defaultdict(list)
    for row in await session.execute(statement):
        by_day[row.day].append(row)
    return [_sum_up(day_, rows) for day_, rows in by_day.items()]


def _day_of(session: AsyncSession) -> sa.ColumnElement[str]:
    if dialect_of(session) == "sqlite":
        return sa.func.date(executions.c.queued_at, type_=sa.Text())
    at_utc = sa.func.timezone("UTC", executions.c.queued_at)
    return sa.func.to_char(at_utc, sa.literal_column("'YYYY-MM-DD'"), type_=sa.Text())


def _sum_up(day: str, rows: Sequence[Any]) -> DayOut:
    by_state = {row.state: row for row in rows}
    counts = {state: row.number for state, row in by_state.items()}
    good, skipped = by_state.get(State.SUCCEEDED), by_state.get(State.SKIPPED)
    return DayOut(
        date=datetime.fromisoformat(day).date(),
        total=sum(counts.values()),
        succeeded=counts.get(State.SUCCEEDED, 0),
        failed=sum(counts.get(state, 0) for state in service.UNSUCCESSFUL),
        skipped_slots=skipped.slots if skipped else 0,
        average_duration_seconds=round(good.average, 6) if good and good.average is not None else None,
    )
