"""What the audit log is told of jobs and schedules."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.jobs import dependencies, repository
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.schedule_schemas import ScheduleIn
from stationmaster.domains.jobs.versions import open_target


def tell_job(job: Job) -> dict[str, Any]:
    """Describe a job without its target and timetable."""
    return snapshot(job, but={"target", "spec_id", "is_watched", "failures_in_a_row"})


def tell_whole_job(rules: JobRules, job: Job, schedules: Iterable[Schedule]) -> dict[str, Any]:
    """Describe a job with its target, the secrets of which get their mask when this is written, and its timetable."""
    return tell_job(job) | {
        "target": open_target(rules, job).model_dump(exclude_unset=True),
        "schedules": [tell_schedule(schedule) for schedule in schedules],
    }


async def tell_stored_job(session: AsyncSession, rules: JobRules, job: Job) -> dict[str, Any]:
    """Describe a job with its target, its timetable and what it waits for, as they are stored now."""
    shown = await dependencies.list_shown(session, [job.id])
    return tell_whole_job(rules, job, await repository.list_schedules(session, job.id)) | {
        "depends_on": [one.model_dump(mode="json") for one in shown.get(job.id, [])]
    }


def tell_schedule(schedule: Schedule) -> dict[str, Any]:
    """Describe a schedule by what people say of one."""
    given = {name: getattr(schedule, name) for name in ScheduleIn.model_fields}
    return {name: value for name, value in given.items() if value is not None}
