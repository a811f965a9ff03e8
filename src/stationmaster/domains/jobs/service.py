"""What others may ask of jobs."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.jobs import dependencies, ending, repository, schedules, tick, told, versions
from stationmaster.domains.jobs.errors import (
    JobEnded,
    JobNameTaken,
    JobNotFound,
    SeveralSchedules,
)
from stationmaster.domains.jobs.listing import JobFilters
from stationmaster.domains.jobs.models import Job, PauseCause, Schedule
from stationmaster.domains.jobs.rules import JobRules, default_on_lost
from stationmaster.domains.jobs.schedule_schemas import ScheduleIn, SchedulePatch
from stationmaster.domains.jobs.schemas import JobIn, JobPatch
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.errors import FieldError, Forbidden, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id

_POLICIES = ("misfire", "overlap", "retry", "notifications")
_PLAIN = (
    "name",
    "description",
    "timeout_seconds",
    "on_lost",
    "is_active",
    "auto_pause_after_failures",
    "spread_seconds",
)
_MAKES_VERSION = frozenset({"target", "metadata", "overlap", "retry", "timeout_seconds", "on_lost"})


def list_statement(filters: JobFilters) -> Any:
    """Return the statement of a list of jobs, newest first, for paging."""
    return repository.list_statement(filters, clock.now())


async def get_job(session: AsyncSession, id_: UUID) -> Job:
    """Return a job.

    Raises:
        JobNotFound: there is none with this id.
    """
    job = await repository.find_job(session, id_)
    if job is None:
        raise JobNotFound(id_)
    return job


async def find_seen(session: AsyncSession, ids: Collection[UUID], _actor: Actor) -> set[UUID]:
    """Return those of the ids that are jobs; everybody may see every job."""
    return await repository.find_existing(session, ids)


async def get_own_job(session: AsyncSession, id_: UUID, actor: Actor) -> Job:
    """Return a job that the caller may change, locked.

    Raises:
        JobNotFound: there is none with this id.
        Forbidden: it belongs to somebody else.
    """
    job = await repository.find_job(session, id_, for_update=True)
    if job is None:
        raise JobNotFound(id_)
    if not actor.may_change(job.owner_id):
        raise Forbidden("Only the owner of the job and admins may do this.")
    return job


async def create_job(session: AsyncSession, rules: JobRules, wanted: JobIn, actor: Actor) -> Job:
    """Store a job with its schedules.

    Raises:
        JobNameTaken, Invalid
    """
    target = versions.keep_masked(wanted.target, None)
    rules.check_target(target)
    rules.check_policy(end_date=wanted.end_date, team=wanted.team)
    ending.check_end_date(wanted.end_date, zone=_zone_of(rules, wanted), now=await database_now(session))
    if await repository.is_name_taken(session, wanted.name):
        raise JobNameTaken(wanted.name)
    id_ = new_id()
    job = Job(
        id=id_,
        name=wanted.name,
        description=wanted.description,
        owner_id=actor.user_id,
        category_id=await taxonomy.choose_category(session, wanted.category, pointer="/category"),
        team_id=await taxonomy.choose_team(session, wanted.team, pointer="/team"),
        end_date=wanted.end_date,
        target=versions.seal_target(rules, target, id_),
        **{name: getattr(wanted, name).model_dump(mode="json", exclude_unset=True) for name in _POLICIES},
        timeout_seconds=wanted.timeout_seconds,
        spread_seconds=wanted.spread_seconds,
        auto_pause_after_failures=wanted.auto_pause_after_failures,
        on_lost=wanted.on_lost or default_on_lost(target),
        meta=wanted.metadata,
        is_active=wanted.is_active,
    )
    job.spec_id = (await versions.add_spec(session, rules, job)).id
    session.add(job)
    await session.flush()
    made = await _add_schedules(session, rules, job, wanted)
    await schedules.refresh_end(session, rules, job)
    await dependencies.set_dependencies(session, job, wanted.depends_on)
    await dependencies.refresh_watch(session, [job.id])
    await session.refresh(job)
    audit.note(session, "job", job.id, after=told.tell_whole_job(rules, job, made))
    return job


def _zone_of(rules: JobRules, wanted: JobIn) -> str:
    """Return the zone whose days a new job's end date is one of: the first that it names."""
    named = (wanted.timezone, *(schedule.timezone for schedule in wanted.schedules))
    return next(filter(None, named), rules.timezone)


async def _add_schedules(session: AsyncSession, rules: JobRules, job: Job, wanted: JobIn) -> list[Schedule]:
    if wanted.cron_expression is None:
        return await schedules.add_schedules(session, rules, job, wanted.schedules, pointer="/schedules/{index}")
    short = ScheduleIn(cron_expression=wanted.cron_expression, timezone=wanted.timezone)
    return await schedules.add_schedules(session, rules, job, [short], pointer="")


async def update_job(session: AsyncSession, rules: JobRules, id_: UUID, patch: JobPatch, actor: Actor) -> Job:
    """Change a job. What is queued or running goes on as it was made.

    Raises:
        JobNotFound, Forbidden, JobNameTaken, Invalid
    """
    job = await get_own_job(session, id_, actor)
    settled_at = await tick.settle(session, job.id)
    before = await told.tell_stored_job(session, rules, job)
    given = patch.model_fields_set
    if patch.name is not None and await repository.is_name_taken(session, patch.name, except_id=job.id):
        raise JobNameTaken(patch.name)
    await _change_facts(session, rules, job, patch, settled_at)
    if given & _MAKES_VERSION:
        own = await repository.list_schedules(session, job.id, for_update=True)
        await versions.renew_versions(session, rules, job, own)
    await session.flush()
    if given & {"end_date", "spread_seconds"}:
        await schedules.move_all(session, rules, job, settled_at)
    elif "is_active" in given:
        await schedules.replan(session, job, settled_at)
    await _change_schedules(session, rules, job, patch)
    if patch.depends_on is not None:
        await dependencies.set_dependencies(session, job, patch.depends_on)
    await dependencies.refresh_watch(session, [job.id])
    await session.refresh(job)
    audit.note(session, "job", job.id, before=before, after=await told.tell_stored_job(session, rules, job))
    return job


async def _change_facts(
    session: AsyncSession, rules: JobRules, job: Job, patch: JobPatch, settled_at: datetime
) -> None:
    given = patch.model_fields_set
    await _change_labels(session, rules, job, patch)
    if "end_date" in given:
        _change_end_date(job, patch.end_date, zone=await _present_zone(session, rules, job), now=settled_at)
    if patch.target is not None:
        target = versions.keep_masked(patch.target, versions.open_target(rules, job))
        rules.check_target(target)
        job.target = versions.seal_target(rules, target, job.id)
    if patch.is_active and ending.has_ended(job, settled_at):
        raise JobEnded(job.end_date)
    for name in given & {*_PLAIN}:
        setattr(job, name, getattr(patch, name))
    for name in given.intersection(_POLICIES):
        setattr(job, name, getattr(patch, name).model_dump(mode="json", exclude_unset=True))
    if patch.metadata is not None:
        job.meta = patch.metadata


async def _change_labels(session: AsyncSession, rules: JobRules, job: Job, patch: JobPatch) -> None:
    """Change what a job is sorted by; what it has already may be switched off meanwhile."""
    given = patch.model_fields_set
    if "category" in given and await taxonomy.find_category_id(session, patch.category) != job.category_id:
        job.category_id = await taxonomy.choose_category(session, patch.category, pointer="/category")
    if "team" in given and (patch.team is None or await taxonomy.find_team_id(session, patch.team) != job.team_id):
        job.team_id = await taxonomy.choose_team(session, patch.team, pointer="/team")
    if given & {"end_date", "team"}:
        end_date = patch.end_date if "end_date" in given else job.end_date
        rules.check_policy(end_date=end_date, team=job.team_id)


async def _present_zone(session: AsyncSession, rules: JobRules, job: Job) -> str:
    own = await repository.list_schedules(session, job.id)
    return own[0].timezone if own else rules.timezone


def _change_end_date(job: Job, day: date | None, *, zone: str, now: datetime) -> None:
    """Give a job another last day; a pause that the one before made is over."""
    ending.check_end_date(day, zone=zone, now=now)
    job.end_date = day
    job.ends_at = ending.end_of_day(day, zone) if day else None
    if job.pause_cause is PauseCause.ENDED:
        job.paused_until = now  # the tick ends the pause once its last slots are recorded


async def _change_schedules(session: AsyncSession, rules: JobRules, job: Job, patch: JobPatch) -> None:
    given = patch.model_fields_set
    if patch.schedules is not None:
        await _replace_schedules(session, rules, job, patch.schedules, pointer="/schedules/{index}")
    elif given & {"cron_expression", "timezone"}:
        await _change_short_form(session, rules, job, patch)


async def _replace_schedules(
    session: AsyncSession, rules: JobRules, job: Job, wanted: list[ScheduleIn], *, pointer: str
) -> None:
    for schedule in await repository.list_schedules(session, job.id, for_update=True):
        await session.delete(schedule)
    await session.flush()
    await schedules.add_schedules(session, rules, job, wanted, pointer=pointer)


async def _change_short_form(session: AsyncSession, rules: JobRules, job: Job, patch: JobPatch) -> None:
    """Change, make or (with null) remove the only schedule."""
    own = await repository.list_schedules(session, job.id, for_update=True)
    if len(own) > 1:
        raise SeveralSchedules
    if "cron_expression" in patch.model_fields_set and patch.cron_expression is None:
        await _replace_schedules(session, rules, job, [], pointer="")
    elif own and own[0].cron_expression is not None:
        fields = patch.model_dump(include={"cron_expression", "timezone"}, exclude_unset=True)
        await schedules.change_schedule(session, rules, job, own[0].id, SchedulePatch.model_validate(fields))
    elif patch.cron_expression is not None:
        short = ScheduleIn(cron_expression=patch.cron_expression, timezone=patch.timezone)
        await _replace_schedules(session, rules, job, [short], pointer="")
    else:
        raise Invalid(FieldError("the job has no cron schedule whose zone could change", pointer="/timezone"))


async def delete_job(session: AsyncSession, id_: UUID, actor: Actor) -> None:
    """Delete a job and its schedules; its executions stay, and what is queued is still done.

    Raises:
        JobNotFound, Forbidden, StillNeeded
    """
    job = await get_own_job(session, id_, actor)
    await dependencies.refuse_needed(session, [job.id])
    audit.note(session, "job", job.id, before=told.tell_job(job))
    needed = [one.upstream_id for one in await dependencies.list_of(session, job.id)]
    await session.delete(job)
    await session.flush()
    await dependencies.refresh_watch(session, needed)
