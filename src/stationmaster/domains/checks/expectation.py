"""When the next sign of life is due."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.checks.models import Check
from stationmaster.domains.jobs import expected_slots
from stationmaster.domains.jobs.timetables import cron_timetable
from stationmaster.kit.cron_timetable import DstFold, DstGap


async def next_due(session: AsyncSession, check: Check, after: datetime) -> datetime | None:
    """Return when a check expects the sign after one at this instant; None when nothing is planned any more."""
    if check.period_seconds is not None:
        return after + timedelta(seconds=check.period_seconds)
    if check.cron_expression is not None:
        timetable = cron_timetable(check.cron_expression, check.timezone, DstGap.RUN_AFTER, DstFold.FIRST)
        return timetable.next_after(after)
    assert check.job_id is not None
    return await expected_slots.next_slot_after(session, check.job_id, after)
