"""Whether a job keeps its pace: runs that take longer than the time to the next slot cannot."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions.schemas import FiguresOut
from stationmaster.domains.jobs import repository
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.schemas import CadenceOut
from stationmaster.domains.jobs.timetables import find_timetable

FEW = 3
"""Fewer successful runs than this say nothing."""


async def judge(session: AsyncSession, job: Job, figures: FiguresOut) -> CadenceOut:
    """Compare how long the runs of a job take with how near to each other its slots are."""
    gap = _shortest_gap(await repository.list_schedules(session, job.id))
    usual = figures.duration_seconds.p95 if figures.succeeded >= FEW else None
    is_drifting = gap is not None and usual is not None and usual > gap
    return CadenceOut(
        interval_seconds=gap,
        usual_duration_seconds=usual,
        is_drifting=is_drifting,
        warning=f"One run in twenty takes more than {usual:g} s, and a slot comes every {gap} s: {_consequence(job)}."
        if is_drifting
        else None,
    )


def _shortest_gap(schedules: Sequence[Schedule]) -> int | None:
    timetables = [find_timetable(schedule) for schedule in schedules if schedule.is_active]
    gaps = [timetable.shortest_gap_seconds() for timetable in timetables if timetable is not None]
    return min((gap for gap in gaps if gap is not None), default=None)


def _consequence(job: Job) -> str:
    match job.overlap.get("policy", "skip"):
        case "queue":
            return "they queue up, and the queue grows"
        case "replace":
            return "each stops the one before it"
        case "allow":
            return "more and more run side by side"
    return "slots are skipped"
