"""Executions of a job on request."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.executions import ledger
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions.models import Execution, Spec
from stationmaster.domains.executions.states import Trigger
from stationmaster.domains.jobs import ending, fire_time, repository, versions
from stationmaster.domains.jobs.action_schemas import ExecuteIn
from stationmaster.domains.jobs.errors import JobEnded
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.service import get_own_job
from stationmaster.identity.actor import Actor
from stationmaster.kit.templates import has_templates


async def execute_job(session: AsyncSession, rules: JobRules, id_: UUID, wanted: ExecuteIn, actor: Actor) -> Execution:
    """Queue an execution of a job now, whether or not it is active.

    Raises:
        JobNotFound, Forbidden, JobEnded, Invalid
    """
    job = await get_own_job(session, id_, actor)
    if ending.has_ended(job, await database_now(session)):
        raise JobEnded(job.end_date)
    if wanted.params and has_templates(wanted.params):
        wanted = await _resolve(session, rules, job, wanted)
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
        is_watched=job.is_watched,
    )


async def _resolve(session: AsyncSession, rules: JobRules, job: Job, wanted: ExecuteIn) -> ExecuteIn:
    """Return what is wanted with the templates in its params resolved for now."""
    fire_time.try_out(wanted.params, pointer="/params")
    own = await repository.list_schedules(session, job.id)
    params = fire_time.resolve(
        wanted.params,
        at=await database_now(session),
        job_name=job.name,
        zone=own[0].timezone if own else rules.timezone,
        last_success=(await ledger.find_last_successes(session, [job.id])).get(job.id),
    )
    return wanted.model_copy(update={"params": params})


async def _spec_for(session: AsyncSession, rules: JobRules, job: Job, wanted: ExecuteIn) -> Spec:
    """Return the job's spec, or one of its own for an execution that is different."""
    if not wanted.model_fields_set and not wanted.target_fields:
        spec = await session.get(Spec, job.spec_id)
        assert spec is not None
        return spec
    target = versions.open_target(rules, job)
    if wanted.target_fields:
        target = versions.override(target, wanted.target_fields)
        rules.check_target(target, pointer="")
    return await versions.add_spec(session, rules, job, params=wanted.params, target=target, metadata=wanted.metadata)
