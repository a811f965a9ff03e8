"""What others may ask of jobs."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions.models import Execution, Spec
from stationmaster.domains.executions.states import Trigger
from stationmaster.domains.jobs import repository, schedules, tick, told, versions
from stationmaster.domains.jobs.errors import AlreadyPaused, JobNameTaken, JobNotFound, NotPaused, SeveralSchedules
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.reading import is_paused_at
from stationmaster.domains.jobs.rules import JobRules, default_on_lost
from stationmaster.domains.jobs.schedule_schemas import ScheduleIn, SchedulePatch
from stationmaster.domains.jobs.schemas import ExecuteIn, JobIn, JobPatch, PauseIn
from stationmaster.errors import FieldError, Forbidden, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit.ids import new_id

_POLICIES = ("misfire", "overlap", "retry")
_MAKES_VERSION = frozenset({"target", "metadata", "overlap", "retry", "timeout_seconds", "on_lost"})


def list_statement(*, owner_id: UUID | None, is_active: bool | None) -> Any:
    """Return the statement of a list of jobs, newest first, for paging."""
    return repository.list_statement(owner_id=owner_id, is_active=is_active)


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
    if await repository.is_name_taken(session, wanted.name):
        raise JobNameTaken(wanted.name)
    id_ = new_id()
    job = Job(
        id=id_,
        name=wanted.name,
        description=wanted.description,
        owner_id=actor.user_id,
        target=versions.seal_target(rules, target, id_),
        **{name: getattr(wanted, name).model_dump(mode="json", exclude_unset=True) for name in _POLICIES},
        timeout_seconds=wanted.timeout_seconds,
        on_lost=wanted.on_lost or default_on_lost(target),
        meta=wanted.metadata,
        is_active=wanted.is_active,
    )
    job.spec_id = (await versions.add_spec(session, rules, job)).id
    session.add(job)
    await session.flush()
    made = await _add_schedules(session, rules, job, wanted)
    audit.note(session, "job", job.id, after=told.tell_whole_job(rules, job, made))
    return job


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
    await _change_facts(rules, job, patch)
    if given & _MAKES_VERSION:
        own = await repository.list_schedules(session, job.id, for_update=True)
        await versions.renew_versions(session, rules, job, own)
    await session.flush()
    if "is_active" in given:
        await schedules.replan(session, job, settled_at)
    await _change_schedules(session, rules, job, patch)
    await session.refresh(job)
    audit.note(session, "job", job.id, before=before, after=await told.tell_stored_job(session, rules, job))
    return job


async def _change_facts(rules: JobRules, job: Job, patch: JobPatch) -> None:
    given = patch.model_fields_set
    if patch.target is not None:
        target = versions.keep_masked(patch.target, versions.open_target(rules, job))
        rules.check_target(target)
        job.target = versions.seal_target(rules, target, job.id)
    for name in given & {"name", "description", "timeout_seconds", "on_lost", "is_active"}:
        setattr(job, name, getattr(patch, name))
    for name in given.intersection(_POLICIES):
        setattr(job, name, getattr(patch, name).model_dump(mode="json", exclude_unset=True))
    if patch.metadata is not None:
        job.meta = patch.metadata


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
        JobNotFound, Forbidden
    """
    job = await get_own_job(session, id_, actor)
    audit.note(session, "job", job.id, before=told.tell_job(job))
    await session.delete(job)


async def pause_job(session: AsyncSession, id_: UUID, wanted: PauseIn, actor: Actor) -> Job:
    """Let the slots of a job pass without a run, each of them recorded, until it is resumed.

    Raises:
        JobNotFound, Forbidden, AlreadyPaused, Invalid
    """
    job = await get_own_job(session, id_, actor)
    now = await tick.settle(session, job.id) if job.paused_at else await database_now(session)
    if job.paused_at is not None and is_paused_at(job, now):
        raise AlreadyPaused(job.paused_at)
    if wanted.until is not None and wanted.until <= now:
        raise Invalid(FieldError("lies in the past", pointer="/until"))
    before = told.tell_job(job)
    job.paused_at, job.paused_until, job.pause_reason = now, wanted.until, wanted.reason
    await session.flush()
    audit.note(session, "job", job.id, before=before, after=told.tell_job(job))
    return job


async def resume_job(session: AsyncSession, id_: UUID, actor: Actor) -> Job:
    """End a pause: slots from now on run again.

    Raises:
        JobNotFound, Forbidden, NotPaused
    """
    job = await get_own_job(session, id_, actor)
    now = await database_now(session)
    if not is_paused_at(job, now):
        raise NotPaused
    before = told.tell_job(job)
    job.paused_until = now  # the tick ends the pause once its last slots are recorded
    await session.flush()
    audit.note(session, "job", job.id, before=before, after=told.tell_job(job))
    notify(session, Wake.TICK)
    return job


async def execute_job(session: AsyncSession, rules: JobRules, id_: UUID, wanted: ExecuteIn, actor: Actor) -> Execution:
    """Queue an execution of a job now, whether or not it is active.

    Raises:
        JobNotFound, Forbidden, Invalid
    """
    job = await get_own_job(session, id_, actor)
    spec = await _spec_for(session, rules, job, wanted)
    return await executions.enqueue(
        session,
        spec,
        trigger=Trigger.MANUAL,
        actor=actor,
        job_id=job.id,
        job_name=job.name,
        owner_id=job.owner_id,
        params=wanted.params,
    )


async def _spec_for(session: AsyncSession, rules: JobRules, job: Job, wanted: ExecuteIn) -> Spec:
    """Return the job's spec, or one of its own for an execution that is different."""
    if not wanted.model_fields_set and not wanted.target_fields:
        spec = await session.get(Spec, job.spec_id)
        assert spec is not None
        return spec
    target = versions.open_target(rules, job)
    if wanted.target_fields:
        target = versions.override(target, wanted.target_fields)
        rules.check_target(target)
    return await versions.add_spec(session, rules, job, params=wanted.params, target=target, metadata=wanted.metadata)
