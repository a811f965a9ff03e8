"""Jobs as the API shows them: with their schedules and their last execution, read a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions.models import Execution, OnLost
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.schemas import ExecutionOut
from stationmaster.domains.executions.sight import Sight, read_sight
from stationmaster.domains.jobs import dependencies, maintenance, repository
from stationmaster.domains.jobs.listing import JobItem
from stationmaster.domains.jobs.models import EVERYTHING, Job, MaintenancePause, Schedule
from stationmaster.domains.jobs.policy_schemas import DependencyIn, Notifications
from stationmaster.domains.jobs.schedule_schemas import ScheduleOut
from stationmaster.domains.jobs.schemas import JobOut, MaintenanceOut
from stationmaster.domains.jobs.slots import Misfire
from stationmaster.domains.jobs.timetables import find_timetable
from stationmaster.domains.jobs.versions import mask_target
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.domains.taxonomy.service import Slugs
from stationmaster.domains.users import directory
from stationmaster.identity.actor import Actor
from stationmaster.web.items import make_item

NEWEST = 10
"""Executions that a job in a list shows on demand."""


async def show_job(session: AsyncSession, job: Job, actor: Actor) -> JobOut:
    """Show one job to a caller."""
    return (await show_jobs(session, [job], actor))[0]


async def show_jobs(session: AsyncSession, jobs: Sequence[Job], actor: Actor) -> list[JobOut]:
    """Show jobs to a caller, with the same few statements however many they are."""
    ids = [job.id for job in jobs]
    schedules = await repository.list_schedules_of(session, ids)
    last = await executions.last_by_job(session, ids)
    slugs = await taxonomy.find_slugs(
        session, {job.category_id for job in jobs}, {job.team_id for job in jobs if job.team_id}
    )
    needs = await dependencies.list_shown(session, ids)
    now = await database_now(session)
    holding = await maintenance.list_pauses(session, now)
    sight = await read_sight(session, last.values(), actor)
    shown = _Shown(actor, sight, await _add_scopes(session, slugs, holding), now, holding)
    return [_show(job, schedules.get(job.id, []), last.get(job.id), needs.get(job.id, []), shown) for job in jobs]


async def show_items(session: AsyncSession, jobs: Sequence[Job], actor: Actor, fields: frozenset[str]) -> list[JobItem]:
    """Show the jobs of a list to a caller, with one statement for each further thing that `fields` ask for."""
    ids = [job.id for job in jobs]
    owners = await directory.find_owners(session, (job.owner_id for job in jobs), fields)
    newest = await executions.newest_by_job(session, ids if "executions" in fields else (), NEWEST)
    sight = await read_sight(session, list(chain.from_iterable(newest.values())), actor)
    stats = await executions.statistics_by_job(session, ids if "stats" in fields else ())
    return [
        make_item(
            JobItem,
            shown,
            fields,
            executions=[ExecutionOut.of(execution, sight) for execution in newest.get(shown.id, ())],
            stats=stats.get(shown.id),
            **directory.describe_owner(owners.get(shown.owner_id), actor),
        )
        for shown in await show_jobs(session, jobs, actor)
    ]


def show_schedule(schedule: Schedule) -> ScheduleOut:
    """Show a schedule with its meaning in words."""
    timetable = find_timetable(schedule)
    text = timetable.describe() if timetable else "It cannot be evaluated."
    facts = schedule.model_dump(include=_SCHEDULE_FIELDS)
    return ScheduleOut(**facts | {"calendars": schedule.calendars or []}, text=text)


_SCHEDULE_FIELDS = set(ScheduleOut.model_fields) - {"text"}
_JOB_FIELDS = {
    *("id", "name", "description", "owner_id", "timeout_seconds", "is_active", "end_date", "created_at", "updated_at"),
    *("spread_seconds", "auto_pause_after_failures", "failures_in_a_row"),
}


async def _add_scopes(session: AsyncSession, slugs: Slugs, holding: Sequence[MaintenancePause]) -> Slugs:
    """Return also the slugs of the categories that pause."""
    missing = {pause.scope_id for pause in holding} - {EVERYTHING} - slugs.categories.keys()
    if not missing:
        return slugs
    more = await taxonomy.find_slugs(session, missing, ())
    return Slugs(slugs.categories | more.categories, slugs.teams)


def show_maintenance(pause: MaintenancePause, slugs: Slugs) -> MaintenanceOut:
    """Show a pause of a category, or of everything."""
    return MaintenanceOut(
        category=slugs.categories.get(pause.scope_id),
        reason=pause.reason,
        paused_at=pause.paused_at,
        paused_until=pause.paused_until,
    )


@dataclass(frozen=True)
class _Shown:
    """To whom jobs are shown, when, and what their labels are called."""

    actor: Actor
    sight: Sight
    slugs: Slugs
    now: datetime
    holding: Sequence[MaintenancePause] = ()


def _show(
    job: Job, schedules: Sequence[Schedule], last: Execution | None, needs: list[DependencyIn], to: _Shown
) -> JobOut:
    shown = [show_schedule(schedule) for schedule in schedules]
    only = shown[0] if len(shown) == 1 and shown[0].cron_expression else None
    is_paused, pause = is_paused_at(job, to.now), maintenance.find_for(job, to.holding)
    planned = [schedule.next_run_at for schedule in schedules if schedule.next_run_at]
    return JobOut(
        **job.model_dump(include=_JOB_FIELDS),
        target=mask_target(job),
        misfire=Misfire.model_validate(job.misfire),
        overlap=Overlap.model_validate(job.overlap),
        retry=Retry.model_validate(job.retry),
        on_lost=OnLost(job.on_lost),
        metadata=job.meta,
        category=to.slugs.categories[job.category_id],
        team=to.slugs.teams[job.team_id] if job.team_id else None,
        depends_on=needs,
        notifications=_show_notifications(job, to.actor),
        pause_cause=job.pause_cause if is_paused else None,
        paused_at=job.paused_at if is_paused else None,
        paused_until=job.paused_until if is_paused else None,
        pause_reason=job.pause_reason if is_paused else None,
        maintenance=show_maintenance(pause, to.slugs) if pause else None,
        cron_expression=only.cron_expression if only else None,
        timezone=only.timezone if only else None,
        schedules=shown,
        schedule_text="; ".join(schedule.text for schedule in shown) or None,
        last_execution=ExecutionOut.of(last, to.sight) if last and to.actor.may_read("executions") else None,
        next_run_at=None if is_paused or pause else min(planned, default=None),
    )


def _show_notifications(job: Job, actor: Actor) -> Notifications:
    """Show whom a job tells; addresses are personal, so others than its owner and administrators see none."""
    shown = Notifications.model_validate(job.notifications)
    return shown if actor.may_change(job.owner_id) else shown.model_copy(update={"emails": []})


def is_paused_at(job: Job, instant: datetime) -> bool:
    """Say whether a job pauses at an instant; one whose pause is over may wait for the tick to record its last slots."""
    return job.paused_at is not None and (job.paused_until is None or job.paused_until > instant)
