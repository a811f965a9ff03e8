"""The coming runs of all jobs, merged in the order of time."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.domains.jobs import maintenance
from stationmaster.domains.jobs.models import EVERYTHING, Job, Schedule
from stationmaster.domains.jobs.timetables import find_timetable
from stationmaster.kit.timetable import RESOLUTION

MOST = 1000
"""Runs that are listed; what comes later is far away, and for a narrower window."""

jobs = table_of(Job)
schedules = table_of(Schedule)


@dataclass(frozen=True)
class Window:
    """Which coming runs are wanted; `start` inclusive, `end` exclusive."""

    start: datetime
    end: datetime
    job_id: UUID | None = None
    owner_id: UUID | None = None
    category_id: UUID | None = None
    team_id: UUID | None = None


@dataclass(frozen=True, order=True)
class Coming:
    """One run to come."""

    at: datetime
    schedule_id: UUID
    job_id: UUID
    job_name: str
    is_paused: bool


async def list_coming(session: AsyncSession, window: Window, now: datetime) -> list[Coming]:
    """Return the first runs of a window, one more than `MOST` when there are more.

    Only schedules that are next within the window are read, and of those no more than runs are wanted: each has a slot at
    its `next_run_at`, so one that is not among the first cannot have an earlier one.
    """
    holding = await maintenance.list_pauses(session, now)
    scopes = {pause.scope_id for pause in holding}
    rows = (await session.execute(_statement(window))).all()
    streams = [_slots(row, window, scopes=scopes) for row in rows]
    merged = heapq.merge(*streams)
    return [coming for coming, _ in zip(merged, range(MOST + 1), strict=False)]


def _statement(window: Window) -> sa.Select[Any]:
    statement = (
        sa.select(
            *(column for column in schedules.c if column.name != "spec_id"),
            jobs.c.name.label("job_name"),
            jobs.c.category_id,
            jobs.c.paused_at,
            jobs.c.paused_until,
        )
        .join(jobs, jobs.c.id == schedules.c.job_id)
        .where(schedules.c.next_run_at < window.end)
        .order_by(schedules.c.next_run_at, schedules.c.id)
        .limit(MOST + 1)
    )
    if window.job_id is not None:
        statement = statement.where(jobs.c.id == window.job_id)
    for name in ("owner_id", "category_id", "team_id"):
        if (value := getattr(window, name)) is not None:
            statement = statement.where(jobs.c[name] == value)
    return statement


def _slots(row: Any, window: Window, *, scopes: set[UUID]) -> Iterator[Coming]:
    timetable = find_timetable(row)
    slot = timetable.next_after(max(row.next_run_at, window.start) - RESOLUTION) if timetable else None
    is_maintained = bool(scopes & {EVERYTHING, row.category_id})
    while timetable is not None and slot is not None and slot < window.end:
        is_paused = row.paused_at is not None and (row.paused_until is None or slot < row.paused_until)
        yield Coming(slot, row.id, row.job_id, row.job_name, is_paused or is_maintained)
        slot = timetable.next_after(slot)
