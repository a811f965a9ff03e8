"""One object of each kind that a path of the API names, all of one owner."""

from fastapi import FastAPI
from sqlmodel import select

from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.audit.models import ActorKind, AuditLog, Outcome
from stationmaster.domains.jobs.models import Schedule
from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Actor, Role
from tests.support.executions import make_spec, store
from tests.support.people import make_key, make_user, sign_in
from tests.support.work import HOURLY, make_job


async def make_objects(app: FastAPI, owner: User) -> dict[str, str]:
    """Store the objects; return their ids by the name of the path parameter, and a refresh token of the owner's."""
    database = app.state.database
    actor = Actor("user", owner.id, owner.id, owner.name, owner.email, Role.USER)
    job = await make_job(database, actor=actor, schedules=[HOURLY], rules=app.state.job_rules)
    (execution_id,) = await store(database, make_spec(), owner_id=owner.id, job_id=job.id)
    key, _ = await make_key(app, owner)
    async with read_only(database) as session:
        schedule_id = await session.scalar(select(Schedule.id).where(Schedule.job_id == job.id))
    signed_in = await sign_in(app, owner)
    user = await make_user(database)
    async with unit_of_work(database) as session:
        entry = AuditLog(actor_kind=ActorKind.OPERATOR, action="tests", outcome=Outcome.SUCCESS)
        session.add(entry)
    return {
        "job_id": str(job.id),
        "schedule_id": str(schedule_id),
        "execution_id": str(execution_id),
        "key_id": str(key.id),
        "session_id": str(signed_in.grant.session_id),
        "user_id": str(user.id),
        "entry_id": str(entry.id),
        "refresh_token": signed_in.grant.refresh_token,
    }
