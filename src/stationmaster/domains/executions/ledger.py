"""The records of planned slots, as other rooms ask about them."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.sqltypes import UTCDateTime

from stationmaster.db.base import table_of
from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit.timetable import RESOLUTION, Timetable

executions = table_of(Execution)


async def list_slot_states(
    session: AsyncSession, job_id: UUID, start: datetime, end: datetime
) -> dict[datetime, frozenset[State]]:
    """Return how the executions stand that were made for each instant from `start` to before `end`.

    Skipped ranges are left out: nothing ran there.
    """
    found: dict[datetime, set[State]] = defaultdict(set)
    statement = sa.select(executions.c.scheduled_for, executions.c.state).where(
        executions.c.job_id == job_id,
        executions.c.scheduled_for >= start,
        executions.c.scheduled_for < end,
        executions.c.slot_count == 1,
    )
    for at, state in await session.execute(statement):
        found[at].add(state)
    return {at: frozenset(states) for at, states in found.items()}


async def find_last_successes(session: AsyncSession, job_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return for each job the instant for which its newest successful execution was planned, or else queued."""
    if not job_ids:
        return {}
    r = recordset(session, "jobs", {"id": sa.Uuid()})
    newest = (
        sa.select(executions.c.id)
        .where(executions.c.job_id == r.c.id, executions.c.state == State.SUCCEEDED)
        .order_by(executions.c.id.desc())
        .limit(1)
        .correlate(r)
        .scalar_subquery()
    )
    planned_at = sa.func.coalesce(executions.c.scheduled_for, executions.c.queued_at, type_=UTCDateTime())
    statement = sa.select(executions.c.job_id, planned_at.label("at")).where(
        executions.c.id.in_(sa.select(newest).select_from(r))
    )
    rows = await session.execute(statement, {"jobs": encode_rows(session, [{"id": id_} for id_ in job_ids])})
    return {row.job_id: row.at for row in rows}


async def forget_paused_slots(session: AsyncSession, schedule_id: UUID, since: datetime, timetable: Timetable) -> None:
    """Take back the records of slots that a pause swallowed from an instant on, so that they can be decided anew."""
    statement = select(Execution).where(
        Execution.schedule_id == schedule_id,
        Execution.state == State.SKIPPED,
        Execution.reason == Reason.PAUSED,
        sa.func.coalesce(Execution.slot_until, Execution.scheduled_for) >= since,
    )
    for record in list(await session.scalars(statement.order_by(col(Execution.id)))):
        assert record.scheduled_for is not None
        count = timetable.count_between(record.scheduled_for, since)
        if not count:
            await session.delete(record)
            continue
        record.slot_count = count
        record.slot_until = timetable.newest_at_or_before(since - RESOLUTION) if count > 1 else None
    await session.flush()
