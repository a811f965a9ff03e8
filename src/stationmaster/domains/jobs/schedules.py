"""Schedules of a job: made, changed, switched on and off."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.jobs import ending, repository, tick
from stationmaster.domains.jobs.calendars import service as calendars
from stationmaster.domains.jobs.calendars.models import Calendar
from stationmaster.domains.jobs.errors import ScheduleNotFound
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.rules import JobRules, as_invalid
from stationmaster.domains.jobs.schedule_schemas import MOST_SCHEDULES, ScheduleIn, SchedulePatch
from stationmaster.domains.jobs.timetables import find_timetable, spread_offset, timetable_of
from stationmaster.domains.jobs.told import tell_schedule
from stationmaster.domains.jobs.versions import renew_schedule_version
from stationmaster.errors import Conflict, FieldError, Invalid
from stationmaster.kit.instants import normalise

_WHEN = frozenset(
    {"cron_expression", "interval_seconds", "run_at", "timezone", "dst_gap", "dst_fold", "starts_at", "ends_at"}
    | {"calendars"}
)
"""Fields that move slots."""


class TooManySchedules(Conflict):
    title = "The job has too many schedules"

    def __init__(self) -> None:
        super().__init__(f"A job has at most {MOST_SCHEDULES} schedules.")


def list_statement(job_id: UUID) -> Any:
    """Return the statement of a list of a job's schedules, in the order they were made, for paging."""
    return repository.schedules_statement(job_id)


async def add_schedules(
    session: AsyncSession, rules: JobRules, job: Job, wanted: Sequence[ScheduleIn], *, pointer: str
) -> list[Schedule]:
    """Store schedules of a job and wake the tick. `pointer` says where they stand in the caller's input.

    Raises:
        Invalid: a schedule would never run, or too often.
    """
    now = await database_now(session)
    made: list[tuple[Schedule, list[Calendar]]] = []
    for index, one in enumerate(wanted):
        place = pointer.format(index=index)
        schedule = _make(one, rules, job, now)
        chosen = await calendars.choose(session, one.calendars, pointer=f"{place}/calendars")
        calendars.copy_times(schedule, chosen)
        _check_slots(schedule, rules, now, place)
        _plan(schedule, job, now)
        await renew_schedule_version(session, rules, job, schedule, pointer=f"{place}/params")
        session.add(schedule)
        made.append((schedule, chosen))
    await session.flush()
    for schedule, chosen in made:
        if chosen:
            await calendars.link(session, schedule, chosen)
    await refresh_end(session, rules, job)
    notify(session, Wake.TICK)
    return [schedule for schedule, _ in made]


async def refresh_end(session: AsyncSession, rules: JobRules, job: Job) -> None:
    """Let a job end with the schedules that it has now."""
    ending.set_end(job, await repository.list_schedules(session, job.id), default_zone=rules.timezone)
    await session.flush()


async def move_all(session: AsyncSession, rules: JobRules, job: Job, settled_at: datetime) -> None:
    """Let all schedules of a job heed its end date and its spread; `settled_at` is from `tick.settle`."""
    for schedule in await repository.list_schedules(session, job.id, for_update=True):
        ending.set_cutoff(schedule, job)
        schedule.offset_seconds = spread_offset(schedule.id, job.spread_seconds)
    await session.flush()
    await replan(session, job, settled_at)
    await refresh_end(session, rules, job)


async def add_schedule(session: AsyncSession, rules: JobRules, job: Job, wanted: ScheduleIn) -> Schedule:
    """Add one schedule to a job.

    Raises:
        TooManySchedules, Invalid
    """
    if len(await repository.list_schedules(session, job.id)) >= MOST_SCHEDULES:
        raise TooManySchedules
    made = (await add_schedules(session, rules, job, [wanted], pointer=""))[0]
    audit.note(session, "schedule", made.id, after=tell_schedule(made) | {"job_id": job.id})
    return made


def _make(wanted: ScheduleIn, rules: JobRules, job: Job, now: datetime) -> Schedule:
    facts = wanted.model_dump(exclude={"timezone", "calendars"})
    zone = wanted.timezone or rules.timezone
    schedule = Schedule(**facts, job_id=job.id, timezone=zone, anchor_at=wanted.starts_at or normalise(now))
    ending.set_cutoff(schedule, job)
    schedule.offset_seconds = spread_offset(schedule.id, job.spread_seconds)
    return schedule


async def get_schedule(session: AsyncSession, job: Job, id_: UUID, *, for_update: bool = True) -> Schedule:
    """Return a schedule of this job, locked against the tick unless it is only to be shown.

    Raises:
        ScheduleNotFound: the job has none with this id.
    """
    schedule = await repository.find_schedule(session, job.id, id_, for_update=for_update)
    if schedule is None:
        raise ScheduleNotFound(id_)
    return schedule


async def change_schedule(
    session: AsyncSession, rules: JobRules, job: Job, id_: UUID, patch: SchedulePatch
) -> Schedule:
    """Change a schedule; slots that were decided stay decided.

    Raises:
        ScheduleNotFound, Invalid
    """
    settled_at = await tick.settle(session, job.id)
    schedule = await get_schedule(session, job, id_)
    given = patch.model_dump(exclude_unset=True)
    merged, before = _merge(schedule, given), tell_schedule(schedule)
    for name, value in merged.model_dump(include=set(given) - {"calendars"} | {"timezone"}).items():
        setattr(schedule, name, value if name != "timezone" else value or rules.timezone)
    if "calendars" in given:
        chosen = await calendars.choose(session, merged.calendars, pointer="/calendars")
        calendars.copy_times(schedule, chosen)
        await calendars.link(session, schedule, chosen)
    if given.keys() & {"interval_seconds", "starts_at"}:
        schedule.anchor_at = schedule.starts_at or normalise(settled_at)
    ending.set_cutoff(schedule, job)
    if given.keys() & _WHEN:
        _check_slots(schedule, rules, settled_at, "")
    _plan(schedule, job, settled_at)
    await renew_schedule_version(session, rules, job, schedule, pointer="/params")
    await session.flush()
    await refresh_end(session, rules, job)
    audit.note(session, "schedule", schedule.id, before=before, after=tell_schedule(schedule))
    notify(session, Wake.TICK)
    return schedule


def _merge(schedule: Schedule, given: dict[str, Any]) -> ScheduleIn:
    """Check the whole schedule as it will be, by the rules of a new one."""
    now_is = {name: getattr(schedule, name) for name in ScheduleIn.model_fields if name not in {"dst_gap", "dst_fold"}}
    if schedule.cron_expression is not None:
        now_is |= {"dst_gap": schedule.dst_gap, "dst_fold": schedule.dst_fold}
    known = {name: value for name, value in now_is.items() if value is not None}
    try:
        return ScheduleIn.model_validate(known | given)
    except ValidationError as error:
        raise as_invalid(error, given) from error


async def remove_schedule(session: AsyncSession, rules: JobRules, job: Job, id_: UUID) -> None:
    """Delete a schedule; its decided slots stay in the ledger.

    Raises:
        ScheduleNotFound: see `get_schedule`.
    """
    schedule = await get_schedule(session, job, id_)
    audit.note(session, "schedule", schedule.id, before=tell_schedule(schedule) | {"job_id": job.id})
    await session.delete(schedule)
    await session.flush()
    await refresh_end(session, rules, job)


async def replan(session: AsyncSession, job: Job, settled_at: datetime) -> None:
    """Set the next slots of all schedules of a job whose activity has changed; `settled_at` is from `tick.settle`."""
    for schedule in await repository.list_schedules(session, job.id, for_update=True):
        _plan(schedule, job, settled_at)
    notify(session, Wake.TICK)


def _plan(schedule: Schedule, job: Job, now: datetime) -> None:
    """Aim at the first slot after now that was not decided before."""
    if not (schedule.is_active and job.is_active):
        schedule.next_run_at = None
        return
    timetable = find_timetable(schedule)
    if timetable is None:
        schedule.next_run_at = now  # the tick finds out what is wrong with it, and puts it aside
        return
    schedule.next_run_at = timetable.next_after(max(schedule.last_slot_at or now, now))
    schedule.failures, schedule.last_error = 0, None


def _check_slots(schedule: Schedule, rules: JobRules, now: datetime, pointer: str) -> None:
    timetable = timetable_of(schedule)
    gap = timetable.shortest_gap_seconds()
    if gap is not None and gap < rules.min_interval_seconds:
        field = "interval_seconds" if schedule.interval_seconds else "cron_expression"
        text = f"runs come every {gap} s; here they must be at least {rules.min_interval_seconds} s apart"
        raise Invalid(FieldError(text, pointer=f"{pointer}/{field}"))
    if timetable.next_after(now) is None:
        if _runs_after(schedule, now):
            raise Invalid(FieldError("no run would come before the end date", pointer="/end_date"))
        field = "run_at" if schedule.run_at else "ends_at"
        raise Invalid(FieldError("no run would come: all its times lie in the past", pointer=f"{pointer}/{field}"))


def _runs_after(schedule: Schedule, now: datetime) -> bool:
    """Say whether a schedule would have a slot to come if its job had no end."""
    endless = schedule.model_copy(update={"cutoff_at": None})
    return timetable_of(endless).next_after(now) is not None
