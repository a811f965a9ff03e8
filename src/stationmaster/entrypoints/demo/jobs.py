"""The jobs of the demonstration: made when they are missing, aimed anew when the receiver has moved, paused at its end."""

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.policies import Retry
from stationmaster.domains.executions.secret_text import SecretText
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.domains.jobs import pausing
from stationmaster.domains.jobs import service as jobs
from stationmaster.domains.jobs.action_schemas import PauseIn, ResumeIn
from stationmaster.domains.jobs.listing import JobFilters
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.reading import is_paused_at
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.schedule_schemas import ScheduleIn
from stationmaster.domains.jobs.schemas import JobIn, JobPatch
from stationmaster.domains.users.models import User
from stationmaster.entrypoints.demo.receiver import Receiver
from stationmaster.identity.actor import Actor

RESTING = "The demonstration is not running."


def wanted_jobs(receiver: Receiver) -> list[JobIn]:
    """Return the demonstration's jobs, aimed at this receiver."""
    return [
        JobIn(
            name="demo-heartbeat",
            description="Calls the receiver every two seconds.",
            target=_call(receiver, "/ok"),
            schedules=[ScheduleIn(interval_seconds=2)],
        ),
        JobIn(
            name="demo-signed",
            description="Signs its call every five seconds; the receiver verifies it.",
            target=_call(receiver, "/signed").model_copy(
                update={"signing_secret": SecretText(receiver.signing_secret)}
            ),
            schedules=[ScheduleIn(interval_seconds=5)],
        ),
        JobIn(
            name="demo-flaky",
            description="Fails twice every ten seconds, and succeeds at the third attempt.",
            target=_call(receiver, "/flaky"),
            retry=Retry(max_attempts=3, delays_seconds=[0.5, 1]),
            schedules=[ScheduleIn(interval_seconds=10)],
        ),
        JobIn(
            name="demo-cron",
            description="Calls a slow address at every full minute.",
            target=_call(receiver, "/slow"),
            cron_expression="* * * * *",
        ),
    ]


def _call(receiver: Receiver, path: str) -> WebhookTarget:
    return WebhookTarget(type="webhook", url=receiver.url(path), body={"hello": "from the demonstration"})


def acting_as(user: User) -> Actor:
    """Act for a person without a session of theirs: this is their own machine's command line."""
    return Actor(kind="user", id=user.id, user_id=user.id, name=user.name, email=user.email, role=user.role)


async def ensure_jobs(database: Database, rules: JobRules, receiver: Receiver, actor: Actor) -> None:
    """Make what is missing; leave alone what somebody has changed, but for the receiver's address."""
    wanted = wanted_jobs(receiver)
    async with unit_of_work(database) as session:
        there = await _find_jobs(session, [job.name for job in wanted])
        for job in wanted:
            if job.name not in there:
                await jobs.create_job(session, rules, job, actor)
                continue
            await _wake(session, there[job.name], actor)
            if there[job.name].target["url"] != job.target.model_dump()["url"]:
                await jobs.update_job(session, rules, there[job.name].id, JobPatch(target=job.target), actor)


async def rest_jobs(database: Database, receiver: Receiver, actor: Actor) -> None:
    """Pause the jobs: a service that runs on the same data later has no receiver for them."""
    async with unit_of_work(database) as session:
        for job in (await _find_jobs(session, [job.name for job in wanted_jobs(receiver)])).values():
            if job.paused_at is None:
                await pausing.pause_job(session, job.id, PauseIn(reason=RESTING), actor)


async def _wake(session: AsyncSession, job: Job, actor: Actor) -> None:
    """Resume a job that the last demonstration paused at its end, and no other."""
    if job.pause_reason == RESTING and is_paused_at(job, await database_now(session)):
        await pausing.resume_job(session, job.id, ResumeIn(), actor)


async def _find_jobs(session: AsyncSession, names: list[str]) -> dict[str, Job]:
    statement = jobs.list_statement(JobFilters()).where(col(Job.name).in_(names))
    return {job.name: job for job in await session.scalars(statement)}
