"""Executions of a job on request."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions.models import Execution, Spec
from stationmaster.domains.executions.states import Trigger
from stationmaster.domains.jobs import ending, occasion, versions
from stationmaster.domains.jobs.action_schemas import ExecuteIn
from stationmaster.domains.jobs.errors import JobEnded
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.service import get_own_job
from stationmaster.identity.actor import Actor


async def execute_job(session: AsyncSession, rules: JobRules, id_: UUID, wanted: ExecuteIn, actor: Actor) -> Execution:
    """Queue an execution of a job now, whether or not it is active.

    Raises:
        JobNotFound, Forbidden, JobEnded, Invalid
    """
    job = await get_own_job(session, id_, actor)
    now = await database_now(session)
    if ending.has_ended(job, now):
        raise JobEnded(job.end_date)
    spec = await _spec_for(session, rules, job, wanted)
    return await executions.enqueue(
        session,
        spec,
        trigger=Trigger.MANUAL,
        actor=actor,
        job_id=job.id,
        job_name=job.name,
        owner_id=job.owner_id,
        params=await occasion.resolve_params(session, job, spec, at=now, timezone=rules.timezone, given=wanted.params),
        is_watched=job.is_watched,
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
        rules.check_target(target, pointer="")
    return await versions.add_spec(session, rules, job, params=wanted.params, target=target, metadata=wanted.metadata)
