"""One object of each kind that a path of the API names, all of one owner."""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from fastapi import FastAPI
from pydantic import SecretStr
from sqlmodel import select

from stationmaster.db import blobs
from stationmaster.db.blobs import BytesSource
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.audit.models import ActorKind, AuditLog, Outcome
from stationmaster.domains.checks import service as checks
from stationmaster.domains.checks.schemas import CheckIn
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.files import service as files
from stationmaster.domains.jobs.calendars import service as calendars
from stationmaster.domains.jobs.calendars.schemas import CalendarIn
from stationmaster.domains.jobs.models import Schedule
from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.notice import Severity, Topic
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes.schemas import ProcessIn
from stationmaster.domains.runs import service as runs
from stationmaster.domains.runs.models import StepRun
from stationmaster.domains.runs.schemas import RunIn
from stationmaster.domains.scripts import service as scripts
from stationmaster.domains.scripts.sources import read_archive
from stationmaster.domains.secrets import service as secrets
from stationmaster.domains.secrets.schemas import SecretIn
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.domains.taxonomy.schemas import CategoryIn, TeamIn
from stationmaster.domains.users.models import User
from stationmaster.kit.ids import new_id
from tests.support.archives import tar
from tests.support.executions import make_spec, store
from tests.support.people import actor_of, make_key, make_user, sign_in
from tests.support.work import HOURLY, make_job

Ids = dict[str, str]


async def make_objects(app: FastAPI, owner: User, names: Collection[str] | None = None) -> Ids:
    """Store the objects that these path parameters name (all of them without `names`); return their ids by name.

    `refresh_token` is one more name, for the owner's.
    """
    ids: Ids = {}
    for made, make in MAKERS.items():
        if names is None or {*made} & {*names}:
            ids |= await make(app, owner)
    return ids


async def _make_job(app: FastAPI, owner: User) -> Ids:
    database = app.state.database
    job = await make_job(database, actor=actor_of(owner), schedules=[HOURLY], rules=app.state.job_rules)
    async with read_only(database) as session:
        schedule_id = await session.scalar(select(Schedule.id).where(Schedule.job_id == job.id))
    return {"job_id": str(job.id), "schedule_id": str(schedule_id)}


async def _make_category(app: FastAPI, _owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        category = await taxonomy.create_category(session, CategoryIn(name=f"Category {new_id().hex}"))
    return {"category_id": str(category.id)}


async def _make_team(app: FastAPI, _owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        team = await taxonomy.create_team(session, TeamIn(name=f"Team {new_id().hex}"))
    return {"team_id": str(team.id)}


async def _make_calendar(app: FastAPI, owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        calendar = await calendars.create_calendar(session, CalendarIn(name=f"calendar-{new_id()}"), actor_of(owner))
    return {"calendar_id": str(calendar.id)}


async def _make_execution(app: FastAPI, owner: User) -> Ids:
    (execution_id,) = await store(app.state.database, make_spec(), owner_id=owner.id, job_id=new_id())
    await keep_artifact(app.state.database, execution_id, "report.csv")
    return {"execution_id": str(execution_id), "artifact_name": "report.csv"}


async def keep_artifact(database: Database, execution_id: UUID, name: str) -> None:
    """Let an execution have kept a file."""
    source = BytesSource(b"rows")
    async with unit_of_work(database) as session:
        measured = await blobs.measure(source)
        await blobs.store(session, source, measured)
        artifact = Artifact(
            execution_id=execution_id,
            name=name,
            attempt=1,
            media_type="text/csv",
            size_bytes=measured.size_bytes,
            digest=measured.digest,
        )
        session.add(artifact)


async def _make_run(app: FastAPI, owner: User) -> Ids:
    actor = actor_of(owner)
    wanted = ProcessIn.model_validate(
        {"name": f"process-{new_id().hex}", "steps": [{"name": "check", "is_rerunnable": True}]}
    )
    async with unit_of_work(app.state.database) as session:
        process = await processes.create_process(session, app.state.job_rules, wanted, actor)
        run, _ = await runs.create_run(
            session, app.state.job_rules, RunIn(process_id=process.id, entity_id=f"entity-{new_id()}"), actor
        )
        [step_run] = await session.scalars(select(StepRun).where(StepRun.run_id == run.id))
    ids = {"process_id": process.id, "step_id": step_run.step_id, "run_id": run.id, "step_run_id": step_run.id}
    return {name: str(id_) for name, id_ in ids.items()}


async def _make_key(app: FastAPI, owner: User) -> Ids:
    key, _ = await make_key(app, owner)
    return {"key_id": str(key.id)}


async def _make_session(app: FastAPI, owner: User) -> Ids:
    signed_in = await sign_in(app, owner)
    return {"session_id": str(signed_in.grant.session_id), "refresh_token": signed_in.grant.refresh_token}


async def _make_user(app: FastAPI, _owner: User) -> Ids:
    return {"user_id": str((await make_user(app.state.database)).id)}


async def _make_notification(app: FastAPI, owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        entry = Notification(
            user_id=owner.id,
            topic=Topic.TEST,
            severity=Severity.INFO,
            title="Hello",
            message="It works.",
            dedupe_key="1",
        )
        session.add(entry)
    return {"notification_id": str(entry.id)}


async def _make_secret(app: FastAPI, owner: User) -> Ids:
    wanted = SecretIn(name=f"SECRET_{new_id().hex}", value=SecretStr("a value for tests"))
    async with unit_of_work(app.state.database) as session:
        made = await secrets.create_secret(
            session, app.state.sealer, app.state.secret_subjects, wanted, actor_of(owner)
        )
    return {"secret_name": made.name}


async def _make_file(app: FastAPI, owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        made = await files.create_file(
            session,
            app.state.settings.files,
            BytesSource(b"1,2,3"),
            name="numbers.csv",
            media_type="text/csv",
            actor=actor_of(owner),
        )
    return {"file_id": str(made.id)}


async def _make_delivery(app: FastAPI, _owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        message = Message(
            kind="notice", dedupe_key=str(new_id()), recipient="ops@example.com", facts={"title": "Hello"}
        )
        message.state = MessageState.FAILED
        session.add(message)
    return {"delivery_id": str(message.id)}


async def _make_script(app: FastAPI, owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        made = await scripts.create_script(session, read_archive(tar()), actor_of(owner))
    return {"script": made.slug, "role": "user"}


async def _make_check(app: FastAPI, owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        check = await checks.create_check(session, CheckIn(name="backup", period_seconds=60), actor_of(owner))
    return {
        "check_id": str(check.id),
        "ping_key": check.ping_key,
        "badge_key": check.badge_key,
        "signal": "start",
    }


async def _make_entry(app: FastAPI, _owner: User) -> Ids:
    async with unit_of_work(app.state.database) as session:
        entry = AuditLog(actor_kind=ActorKind.OPERATOR, action="tests", outcome=Outcome.SUCCESS)
        session.add(entry)
    return {"entry_id": str(entry.id)}


MAKERS: dict[tuple[str, ...], Callable[[FastAPI, User], Awaitable[Ids]]] = {
    ("job_id", "schedule_id"): _make_job,
    ("category_id",): _make_category,
    ("team_id",): _make_team,
    ("calendar_id",): _make_calendar,
    ("execution_id", "artifact_name"): _make_execution,
    ("process_id", "step_id", "run_id", "step_run_id"): _make_run,
    ("key_id",): _make_key,
    ("session_id", "refresh_token"): _make_session,
    ("secret_name",): _make_secret,
    ("file_id",): _make_file,
    ("script", "role"): _make_script,
    ("user_id",): _make_user,
    ("entry_id",): _make_entry,
    ("notification_id",): _make_notification,
    ("delivery_id",): _make_delivery,
    ("check_id", "ping_key", "badge_key", "signal"): _make_check,
}
"""A new kind of object is one function above and one line here; the permission matrix names what is missing."""
