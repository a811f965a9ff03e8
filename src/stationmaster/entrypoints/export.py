"""Everything that is held about a person, in one document. It stands above the rooms, since each of them holds a part."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from stationmaster.domains.api_keys import service as api_keys
from stationmaster.domains.api_keys.schemas import ApiKeyRead
from stationmaster.domains.auth import sessions
from stationmaster.domains.auth.schemas import SessionRead
from stationmaster.domains.checks import service as checks
from stationmaster.domains.files import service as files
from stationmaster.domains.files.schemas import FileOut
from stationmaster.domains.jobs import service as jobs
from stationmaster.domains.jobs.listing import JobFilters
from stationmaster.domains.notifications import service as inbox
from stationmaster.domains.notifications.schemas import NotificationOut
from stationmaster.domains.outbox import service as outbox
from stationmaster.domains.users import preferences
from stationmaster.domains.users import service as users
from stationmaster.domains.users.schemas import NotificationPreferences, UserRead
from stationmaster.identity.dependencies import CurrentPerson
from stationmaster.web.operation import Operation
from stationmaster.web.schema import Output
from stationmaster.web.session import ReadSessionDep

router = APIRouter(prefix="/users/me/export", tags=["users"], route_class=Operation)


class SentMail(Output):
    """A mail that was sent or waits; what it said is not kept."""

    kind: str = Field(examples=["password_changed"])
    recipient: str = Field(examples=["ada@example.com"])
    state: str = Field(examples=["sent"])
    created_at: datetime
    sent_at: datetime | None


class OwnJob(Output):
    """A job of the person's; `GET /jobs/{id}` has all of it."""

    id: UUID
    name: str = Field(examples=["nightly"])
    description: str | None = Field(examples=["Copies what changed."])
    created_at: datetime


class OwnCheck(Output):
    """A dead-man check of the person's; `GET /checks/{id}` has all of it."""

    id: UUID
    name: str = Field(examples=["backup"])
    description: str | None = Field(examples=["Copies the archive to the other site."])
    emails: list[str] = Field(examples=[["ops@example.com"]])
    created_at: datetime


class PersonalData(Output):
    """Everything that is held about a person."""

    account: UserRead
    ui_preferences: dict[str, Any] = Field(examples=[{"jobs_table_columns": ["name"]}])
    notification_preferences: NotificationPreferences
    sessions: list[SessionRead] = Field(description="Also those that are over and not yet forgotten.")
    api_keys: list[ApiKeyRead]
    mails: list[SentMail]
    notifications: list[NotificationOut]
    jobs: list[OwnJob]
    checks: list[OwnCheck]
    files: list[FileOut] = Field(description="Uploads, newest first.")


@router.get("", summary="Export own data")
async def export_own_data(session: ReadSessionDep, actor: CurrentPerson) -> PersonalData:
    """Return everything that is held about you.

    Executions of your jobs are listed by `GET /executions?job_id=...`, the signs that your checks got by
    `GET /checks/{id}/pings`, and the contents of your files are downloaded by `GET /files/{id}/content`.
    """
    user_id = actor.user_id
    chosen = await preferences.preferences_of(session, user_id)
    opened = await sessions.list_of_person(session, user_id)
    owned = await session.scalars(jobs.list_statement(JobFilters(owner_id=user_id)))
    watched = await session.scalars(checks.list_statement(owner_id=user_id, state=None, job_id=None))
    return PersonalData(
        account=UserRead.of(await users.get_user(session, user_id)),
        ui_preferences=chosen.ui,
        notification_preferences=NotificationPreferences.of(chosen),
        sessions=[SessionRead.of(each, current_id=actor.session_id) for each in opened],
        api_keys=[ApiKeyRead.of(key) for key in await api_keys.list_of_person(session, user_id)],
        mails=[SentMail.model_validate(mail) for mail in await outbox.list_of_person(session, user_id)],
        notifications=[NotificationOut.of(entry) for entry in await inbox.list_of_person(session, user_id)],
        jobs=[OwnJob.model_validate(job) for job in owned],
        checks=[OwnCheck.model_validate(check) for check in watched],
        files=[FileOut.model_validate(file) for file in await files.list_of_person(session, user_id)],
    )
