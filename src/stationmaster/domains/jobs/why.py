"""Why did, or didn't, a job run at a certain time?"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.reading import show_execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.jobs import maintenance, repository
from stationmaster.domains.jobs.models import Job, MaintenancePause, Schedule
from stationmaster.domains.jobs.reading import is_paused_at
from stationmaster.domains.jobs.schedule_schemas import WhyOut
from stationmaster.domains.jobs.timetables import find_timetable
from stationmaster.identity.actor import Actor
from stationmaster.kit.timetable import RESOLUTION, Timetable

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_SKIPPED = {
    Reason.OVERLAP: "it was skipped, because another execution with the same overlap key was under way or waiting.",
    Reason.TOO_LATE: "it was noticed too late to run, by the job's misfire policy.",
    Reason.MERGED: "it was missed, and a later slot ran for it (misfire policy `last`).",
    Reason.PAUSED: "the job was paused.",
    Reason.EXPIRED: "the job had ended by then.",
    Reason.DEPENDENCY: "what the job depends on did not end as it must.",
}


async def explain(session: AsyncSession, job: Job, at: datetime, actor: Actor) -> WhyOut:
    """Tell what became of the slot at an instant, or why there is none."""
    schedules = await repository.list_schedules(session, job.id)
    now = await database_now(session)
    pause = maintenance.find_for(
        job, [one for one in await maintenance.list_pauses(session, at) if one.paused_at <= at]
    )
    timetables = {one.id: timetable for one in schedules if (timetable := find_timetable(one))}
    planned = [one for one in schedules if one.id in timetables and _has_slot(timetables[one.id], at)]
    planned.sort(key=lambda one: not one.is_active)
    record = await executions.find_slot(session, job.id, at)
    if record and not _is_about(record, at, planned, schedules):
        record = None
    schedule_id = record.schedule_id if record else (planned[0].id if planned else None)
    return WhyOut(
        at=at,
        is_planned=bool(planned or record),
        explanation=_tell_record(record) if record else _tell_none(job, schedules, planned, at, now=now, pause=pause),
        schedule_id=schedule_id,
        execution=await show_execution(session, record, actor) if record else None,
        previous_slot=max(filter(None, (_newest_before(one, at) for one in timetables.values())), default=None),
        next_slot=min(filter(None, (one.next_after(at) for one in timetables.values())), default=None),
    )


def _has_slot(timetable: Timetable, at: datetime) -> bool:
    return timetable.newest_at_or_before(at) == at


def _newest_before(timetable: Timetable, at: datetime) -> datetime | None:
    return timetable.newest_at_or_before(at - RESOLUTION) if at > _BEGINNING else None


def _is_about(record: Execution, at: datetime, planned: Sequence[Schedule], schedules: Sequence[Schedule]) -> bool:
    """Say whether a record decided a slot at this instant: a range also spans instants at which there was none."""
    is_gone = record.schedule_id not in {one.id for one in schedules}
    is_end = at in {record.scheduled_for, record.slot_until}
    return is_end or is_gone or record.schedule_id in {one.id for one in planned}


def _tell_record(record: Execution) -> str:
    why = f" Reason: {record.reason.value}." if record.reason else ""
    error = f" {record.error}" if record.error else ""
    match record.state:
        case State.SKIPPED:
            return f"The slot did not run: {_SKIPPED.get(record.reason or Reason.TOO_LATE, 'it was skipped.')}"
        case State.SUCCEEDED:
            return f"The slot ran and succeeded, at attempt {record.attempt} of {record.max_attempts}."
        case State.CANCELLED if not record.attempt:
            return f"The slot did not run: it was cancelled before it began.{why}"
        case State.FAILED | State.TIMED_OUT | State.LOST | State.CANCELLED:
            return f"The slot ran and ended as {record.state.value} at attempt {record.attempt}.{why}{error}"
        case State.RUNNING:
            return f"The slot is running, at attempt {record.attempt}."
        case State.QUEUED:
            return _tell_queued(record)
    assert_never(record.state)


def _tell_queued(record: Execution) -> str:
    if record.is_held:
        return "The slot waits for another execution with the same overlap key to end."
    if record.attempt:
        return f"The slot ran and failed at attempt {record.attempt}; the next attempt waits for its time."
    return "The slot is queued and waits for a free place, or for its target host to answer again."


def _tell_none(
    job: Job,
    schedules: Sequence[Schedule],
    planned: Sequence[Schedule],
    at: datetime,
    *,
    now: datetime,
    pause: MaintenancePause | None,
) -> str:
    if not schedules:
        return "The job has no schedule: it runs on request only."
    resting = next((one for one in planned or schedules if one.last_error and one.is_active), None)
    if resting and job.is_active:
        return f"A schedule of the job could not be evaluated and rests: {resting.last_error}"
    if not planned:
        return _tell_unplanned(schedules, at)
    if not job.is_active:
        return "The job is not active, so none of its slots run."
    schedule = planned[0]
    if not schedule.is_active:
        return "The schedule is not active, so its slots do not run."
    return _tell_undecided(job, schedule, at, now, pause)


def _tell_unplanned(schedules: Sequence[Schedule], at: datetime) -> str:
    """Say what keeps a slot from being planned that the expression by itself would have at that instant."""
    for schedule in schedules:
        if schedule.closed and _would_have(schedule, at, closed=None):
            names = ", ".join(schedule.calendars or ())
            return f"The schedule leaves that time out: its calendars ({names}) are closed then."
        if schedule.cutoff_at and _would_have(schedule, at, cutoff_at=None):
            return "The instant lies after the job's end date."
        if schedule.ends_at and _would_have(schedule, at, ends_at=None):
            return "The schedule has ended by then (`ends_at`)."
        if schedule.starts_at and _would_have(schedule, at, starts_at=None):
            return "The schedule has not begun by then (`starts_at`)."
        if schedule.offset_seconds and _would_have(schedule, at, offset_seconds=0):
            return f"The slot planned for then comes {schedule.offset_seconds} s later, by the job's spread."
    return "No schedule of the job has a slot at that instant; see the slots before and after it."


def _would_have(schedule: Schedule, at: datetime, **changes: Any) -> bool:
    timetable = find_timetable(schedule.model_copy(update=changes))
    return timetable is not None and _has_slot(timetable, at)


def _tell_undecided(job: Job, schedule: Schedule, at: datetime, now: datetime, pause: MaintenancePause | None) -> str:
    if at > now:
        is_paused = is_paused_at(job, at) or pause is not None
        later = " The job is paused, so it will not run unless it is resumed before." if is_paused else ""
        return f"The slot lies in the future and is planned.{later}"
    if at < schedule.created_at:
        return "The schedule did not exist at that time."
    if schedule.next_run_at is not None and at >= schedule.next_run_at:
        return "The slot is due and not decided yet: no scheduler has looked since. See GET /health."
    return (
        "The schedule was made, changed or switched on only after that instant, or its record has been deleted since."
    )
