"""How to call every operation that changes something, so that it succeeds: one row for each, by operation id."""

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from stationmaster.app import create_app
from stationmaster.config import Settings
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.audit.models import AuditLog
from stationmaster.domains.auth import mailed_tokens
from stationmaster.domains.auth.models import Purpose
from stationmaster.domains.checks.models import Check, CheckState
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.notifications.channels.email import MailCarrier
from stationmaster.domains.outbox.models import Channel
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from stationmaster.outbound.smtp import FileTransport
from stationmaster.web.openapi import UNAUDITED
from tests.domains.audit.job_operations import JOB_ROWS, resume_job
from tests.domains.audit.run_operations import (
    begin_run,
    cancel_run,
    declare_metadata,
    delete,
    fail_step,
    hold_run,
    order_steps,
    report_by_names,
    wait_for_approval,
)
from tests.support.archives import tar
from tests.support.objects import make_objects
from tests.support.people import PASSWORD, Person, make_person
from tests.support.work import HOURLY, TARGET

DOCUMENT = create_app(Settings(_env_file=None)).openapi()
MUTATING: dict[str, tuple[str, str, bool]] = {
    operation["operationId"]: (method.upper(), path, not operation.items() >= UNAUDITED.items())
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "get"
}
"""Method and path of each operation that is not a GET, by its id, and whether it is audited."""

NEW_PASSWORD = "eight silent semaphores"
NOWHERE = {"type": "webhook", "url": "http://127.0.0.1:9/refused"}


@dataclass
class Stage:
    """A running application, somebody who owns one object of each kind, and a superadmin."""

    app: FastAPI
    client: httpx.AsyncClient
    owner: Person
    boss: Person
    objects: dict[str, str]

    @classmethod
    async def open(cls, app: FastAPI, client: httpx.AsyncClient, names: Collection[str] | None = None) -> "Stage":
        """Make the two people, and the objects of these names (all of them without)."""
        owner, boss = await make_person(app), await make_person(app, Role.SUPERADMIN)
        return cls(app, client, owner, boss, await make_objects(app, owner.user, names))

    @classmethod
    async def open_for(cls, operation: str, app: FastAPI, client: httpx.AsyncClient) -> "Stage":
        """Make what one operation needs: the objects in its path, or all where it has none or takes preparing."""
        in_path = re.findall(r"{(\w+)}", MUTATING[operation][1])
        return await cls.open(app, client, in_path if in_path and ROWS[operation].is_plain else None)

    async def token(self, purpose: Purpose, **user: Any) -> str:
        """Make a token as it is mailed to the owner of a new account, or to ours."""
        person = await make_person(self.app, **user) if user else self.owner
        async with unit_of_work(self.app.state.database) as session:
            issued = await mailed_tokens.issue(session, person.user, purpose, email=person.user.email)
        return issued.text

    async def set_execution(self, **columns: Any) -> None:
        async with unit_of_work(self.app.state.database) as session:
            ours = col(Execution.id) == UUID(self.objects["execution_id"])
            await session.execute(sa.update(Execution).where(ours).values(columns))

    async def call(self, operation: str, **request: Any) -> tuple[httpx.Response, list[AuditLog]]:
        """Call an operation; return its answer and what it left in the audit log."""
        method, path, _ = MUTATING[operation]
        headers = request.pop("headers", {}) | {"x-request-id": (request_id := str(new_id()))}
        answer = await self.client.request(method, path.format_map(self.objects), headers=headers, **request)
        async with read_only(self.app.state.database) as session:
            entries = await session.scalars(sa.select(AuditLog).where(col(AuditLog.request_id) == request_id))
            return answer, list(entries)


Body = Callable[[Stage], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Row:
    """Who calls (`owner`, `boss`, `nobody`), and with what: the arguments of the request, or how to prepare them."""

    by: str
    request: dict[str, Any] | Body

    @property
    def is_plain(self) -> bool:
        return isinstance(self.request, dict)

    async def prepare(self, stage: Stage) -> dict[str, Any]:
        request = dict(self.request if isinstance(self.request, dict) else await self.request(stage))
        people = {"owner": stage.owner.headers, "boss": stage.boss.headers, "nobody": {}}
        return {"headers": people[self.by]} | request


def owner(**json: Any) -> Row:
    return Row("owner", {"json": json} if json else {})


def boss(**json: Any) -> Row:
    return Row("boss", {"json": json} if json else {})


def nobody(**json: Any) -> Row:
    return Row("nobody", {"json": json})


async def log_in(stage: Stage) -> dict[str, Any]:
    return {"json": {"username": stage.owner.user.email, "password": PASSWORD}}


async def log_in_by_form(stage: Stage) -> dict[str, Any]:
    form = {"grant_type": "password", "username": stage.owner.user.email, "password": PASSWORD}
    return {"data": form}


async def refresh(stage: Stage) -> dict[str, Any]:
    return {"json": {"refresh_token": stage.objects["refresh_token"]}}


async def verify_email(stage: Stage) -> dict[str, Any]:
    return {"json": {"token": await stage.token(Purpose.VERIFY_EMAIL, is_verified=False)}}


async def confirm_reset(stage: Stage) -> dict[str, Any]:
    return {"json": {"token": await stage.token(Purpose.RESET_PASSWORD), "new_password": NEW_PASSWORD}}


async def new_address(_stage: Stage) -> dict[str, Any]:
    return {"json": {"email": f"{new_id().hex}@example.com", "name": "New", "password": NEW_PASSWORD}}


def while_it_is(state: State, **request: Any) -> Body:
    async def prepare(stage: Stage) -> dict[str, Any]:
        await stage.set_execution(state=state, attempt=1)
        return request

    return prepare


async def resume_check(stage: Stage) -> dict[str, Any]:
    async with unit_of_work(stage.app.state.database) as session:
        await session.execute(sa.update(Check).values(state=CheckState.PAUSED))
    return {}


async def email_test(stage: Stage) -> dict[str, Any]:
    transport = FileTransport("stationmaster@localhost", stage.app.state.settings.data_dir)
    stage.app.state.carriers[Channel.EMAIL] = MailCarrier(transport, "https://station.example")
    return {}


ROWS: dict[str, Row] = {
    "log_in": Row("nobody", log_in),
    "log_in_by_form": Row("nobody", log_in_by_form),
    "refresh": Row("nobody", refresh),
    "log_out": owner(),
    "log_out_everywhere": owner(),
    "register": Row("nobody", new_address),
    "verify_email": Row("nobody", verify_email),
    "resend_verification": nobody(email="somebody@example.com"),
    "request_password_reset": nobody(email="somebody@example.com"),
    "confirm_password_reset": Row("nobody", confirm_reset),
    "delete_own_account": owner(current_password=PASSWORD),
    "patch_own_account": owner(country="Norway"),
    "change_own_password": owner(current_password=PASSWORD, new_password=NEW_PASSWORD),
    "end_sessions": owner(),
    "end_session": owner(),
    "put_my_ui_preferences": owner(theme="dark"),
    "put_my_notification_preferences": owner(email_on_job_success=True),
    "put_ui_preferences": boss(theme="dark"),
    "put_notification_preferences": boss(email_on_job_success=True),
    "create_user": Row("boss", new_address),
    "patch_user": boss(role="admin"),
    "delete_user": boss(),
    "change_password": boss(new_password=NEW_PASSWORD),
    "recover_password": boss(),
    "unlock_user": boss(),
    "create_api_key": owner(name="new"),
    "patch_api_key": owner(is_active=False),
    "delete_api_key": owner(),
    "rotate_api_key": owner(),
    "create_secret": owner(name="NEW", value="a value for tests"),
    "put_secret": owner(value="another value for tests"),
    "delete_secret": owner(),
    "create_script": Row("owner", {"files": {"file": ("script.tar.gz", tar())}}),
    "create_script_version": Row("owner", {"files": {"file": ("script.tar.gz", tar())}}),
    "update_script": owner(description="New."),
    "delete_script": owner(),
    "publish_script": owner(),
    "unpublish_script": owner(),
    "clear_script_access": owner(),
    "put_script_roles": owner(roles=["user"]),
    "put_script_users": owner(users=[]),
    "add_script_user": owner(),
    "remove_script_user": owner(),
    "add_script_role": owner(),
    "remove_script_role": owner(),
    "run_script": owner(),
    "upload_file": Row("owner", {"files": {"file": ("numbers.csv", b"1,2,3")}}),
    "delete_file": owner(),
    "create_job": owner(name="new", target=TARGET, schedules=[HOURLY]),
    "run_test": owner(target=NOWHERE),
    "update_job": owner(timeout_seconds=60),
    "delete_job": owner(),
    "pause_job": owner(),
    "resume_job": Row("owner", resume_job),
    "execute_job": owner(),
    "create_schedule": owner(interval_seconds=60),
    "update_schedule": owner(is_active=False),
    "delete_schedule": owner(),
    **{name: Row(*row) for name, row in JOB_ROWS.items()},
    "report_on_execution": Row("boss", while_it_is(State.RUNNING, json={"progress": 50})),
    "add_execution_logs": Row("boss", while_it_is(State.RUNNING, json={"text": "one"})),
    "keep_execution_artifact": Row("boss", while_it_is(State.RUNNING, content=b"rows")),
    "cancel_execution": owner(),
    "retry_execution": Row("owner", while_it_is(State.SUCCEEDED)),
    "read_notification": owner(),
    "read_all_notifications": owner(),
    "delete_notification": owner(),
    "delete_read_notifications": owner(),
    "create_process": owner(name="new"),
    "update_process": owner(description="new"),
    "delete_process": owner(),
    "restore_process": Row("owner", lambda stage: delete(stage, "processes", "process_id")),
    "put_retention": boss(retention_months=3),
    "create_step": owner(name="new"),
    "put_step_order": Row("owner", order_steps),
    "update_step": owner(is_optional=True),
    "delete_step": owner(),
    "restore_step": Row("owner", lambda stage: delete(stage, "steps", "step_id")),
    "create_run": Row("owner", begin_run),
    "report_step": Row("owner", report_by_names),
    "delete_run": owner(),
    "restore_run": Row("owner", lambda stage: delete(stage, "runs", "run_id")),
    "cancel_run": owner(),
    "uncancel_run": Row("owner", cancel_run),
    "update_run_metadata": Row("owner", declare_metadata),
    "update_step_run": owner(status="success"),
    "put_slack_settings": boss(is_enabled=False),
    "send_slack_test": boss(),
    "put_webhook_settings": boss(is_enabled=False),
    "send_webhook_test": boss(),
    "send_email_test": Row("boss", email_test),
    "send_email": boss(to=["ops@example.com"], subject="Hello", text="It works."),
    "resend_delivery": boss(),
    "rerun_step": Row("owner", fail_step),
    "rerun_run": Row("owner", fail_step),
    "approve_step": Row("owner", wait_for_approval),
    "reject_step": Row("owner", wait_for_approval),
    "neutralize_run": owner(),
    "hold_run": boss(reason="court case"),
    "release_run": Row("boss", hold_run),
    "neutralize_due_runs": Row("boss", {"params": {"dry_run": False}}),
    "export_entity": boss(entity_id="somebody"),
    "erase_entity": Row("boss", {"params": {"dry_run": False}, "json": {"entity_id": "somebody"}}),
    "create_check": owner(name="backup", period_seconds=60),
    "update_check": owner(grace_seconds=600),
    "delete_check": owner(),
    "pause_check": owner(),
    "resume_check": Row("owner", resume_check),
    "verify_audit_logs": boss(),
    "sweep_retention": Row("boss", {"params": {"dry_run": False}}),
    "reset_rate_limits": boss(),
}
