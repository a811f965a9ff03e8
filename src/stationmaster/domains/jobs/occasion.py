"""Params of executions that no slot made: requests, and jobs that run after others."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import ledger
from stationmaster.domains.executions.models import Spec
from stationmaster.domains.jobs import fire_time, repository
from stationmaster.domains.jobs.fire_time import Params
from stationmaster.domains.jobs.models import Job


async def resolve_params(
    session: AsyncSession, job: Job, spec: Spec, *, at: datetime, timezone: str, given: Params | None = None
) -> dict[str, Any] | None:
    """Return the params of one execution, templates resolved for the instant `at`.

    Days are those of the job's first schedule; of `timezone` when it has none.
    """
    own = spec.target.get("params")
    if not fire_time.is_templated(given, own):
        return None if given is None else dict(given)
    schedules = await repository.list_schedules(session, job.id)
    return fire_time.resolve(
        given,
        own=own,
        at=at,
        job_name=job.name,
        zone=schedules[0].timezone if schedules else timezone,
        last_success=(await ledger.find_last_successes(session, [job.id])).get(job.id),
    )
