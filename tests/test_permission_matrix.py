"""Who may call what: every operation of the API times every kind of caller, compared with `permission_matrix.txt`.

A cell says how the answer to such a caller begins: `401` who are you, `403` you may not, `404` not there for you, and `ok`
for everything else (also "409" or "422": the caller got past the door). `.` marks an owner where nothing can be owned.
An operation without a row fails, and so does a row without an operation.

Each call has a world of its own: its caller, the objects that the path names (of somebody else's, but for `owner`), and a
body that is right. So what one call changes never decides another.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from stationmaster.app import create_app
from stationmaster.config import RegistrationSettings, RunnerSettings, Settings
from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.support.archives import tar
from tests.support.databases import Databases
from tests.support.executions import end_execution
from tests.support.lifespan import lifespan_of
from tests.support.mails import STAYING
from tests.support.objects import make_objects
from tests.support.people import PASSWORD, make_key, make_person, make_user, sign_in

TABLE = Path(__file__).with_name("permission_matrix.txt")
CALLERS = (
    "anonymous",
    "unverified",
    "deactivated",
    "viewer",
    "user",
    "owner",
    "admin",
    "superadmin",
    "viewer-key",
    "user-key",
    "admin-key",
    "superadmin-key",
)
OWNABLE = {
    "calendar_id",
    "job_id",
    "schedule_id",
    "execution_id",
    "key_id",
    "session_id",
    "notification_id",
    "secret_name",
    "file_id",
    "script",
    "process_id",
    "step_id",
    "run_id",
    "step_run_id",
    "check_id",
}
PUBLIC = "https://receiver.example/hook"

Operation = dict[str, Any]


def _settings(url: str = "sqlite+aiosqlite://", folder: Path = Path()) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=folder,
        database_url=url,
        secret_key=SecretStr("a secret key of the tests, long enough"),
        scheduler_enabled=False,
        runner=RunnerSettings(enabled=False),
        registration=RegistrationSettings(mode="on"),
        mail=STAYING,
    )


DOCUMENT = create_app(_settings()).openapi()
OPERATIONS: dict[str, Operation] = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}


def read_table() -> dict[str, list[str]]:
    lines = [line for line in TABLE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert lines[0].split()[2:] == list(CALLERS)
    return {" ".join(cells[:2]): cells[2:] for cells in (line.split() for line in lines[1:])}


@dataclass
class Stage:
    """A running application, and the call that is about to be made."""

    app: FastAPI
    client: httpx.AsyncClient

    async def call(self, name: str, caller: str) -> str:
        """Call an operation as somebody new; return the cell of the table."""
        named = {part.strip("{}") for part in name.split("/") if part.startswith("{")}
        if caller == "owner" and not named & OWNABLE:
            return "."
        user, headers = await self.make_caller(caller)
        owner = user if caller == "owner" else await make_user(self.app.state.database)
        objects = await make_objects(self.app, owner, {*named, *TOKENS.get(name, ())})
        method, path = name.split()
        if path.endswith("/stream") and "execution_id" in objects:  # else it would go on for ever
            await end_execution(self.app.state.database, UUID(objects["execution_id"]))
        body = make_body(name, user, objects)
        path += "?follow=false" if path.endswith("/notifications/stream") else ""
        answer = await self.client.request(method, path.format_map(objects), headers=headers, **body)
        assert answer.status_code < 500, answer.text
        return str(answer.status_code) if answer.status_code in {401, 403, 404} else "ok"

    async def make_caller(self, caller: str) -> tuple[User, dict[str, str]]:
        """Store a new caller; return the account and the headers that prove it."""
        database = self.app.state.database
        if caller.endswith("-key"):
            user = await make_user(database, Role(caller.removesuffix("-key")))
            return user, (await make_key(self.app, user))[1]
        if caller in {"anonymous", "deactivated"}:
            user = await make_user(database, is_active=caller != "deactivated")
            return user, {} if caller == "anonymous" else (await sign_in(self.app, user)).headers
        role = Role(caller) if caller in set(Role) else Role.USER
        person = await make_person(self.app, role, is_verified=caller != "unverified")
        return person.user, person.headers


def make_body(name: str, user: User, objects: dict[str, str]) -> dict[str, Any]:
    """Return a right body: one of ours where it must fit the caller or be new, else the documentation's example."""
    contents = OPERATIONS[name].get("requestBody", {}).get("content", {})
    for media_type, media in contents.items():
        if media_type == "multipart/form-data":
            return {"files": UPLOADS[name]}
        body = BODIES[name](user, objects) if name in BODIES else media["example"]
        return {"data" if "form" in media_type else "json": body}
    return {}


def _login(user: User, _: dict[str, str]) -> dict[str, Any]:
    return {"username": user.email, "password": PASSWORD}


# Bodies that need more than the objects that the path names.
TOKENS = {
    "POST /api/v1/auth/refresh": ["refresh_token"],
    "POST /api/v1/runs": ["process_id"],
    "POST /api/v1/runs/report": ["process_id"],
}
BODIES: dict[str, Callable[[User, dict[str, str]], dict[str, Any]]] = {
    "DELETE /api/v1/users/me": lambda *_: {"current_password": PASSWORD},
    "PATCH /api/v1/users/me": lambda *_: {"name": "New Name"},
    "POST /api/v1/api-keys": lambda *_: {"name": "tests", "role": "viewer"},
    "POST /api/v1/auth/login": _login,
    "POST /api/v1/auth/refresh": lambda _, objects: {"refresh_token": objects["refresh_token"]},
    "POST /api/v1/auth/token": _login,
    "POST /api/v1/jobs": lambda *_: {"name": new_id().hex, "target": {"type": "webhook", "url": PUBLIC}},
    "POST /api/v1/jobs/test-run": lambda *_: {"target": {"type": "webhook", "url": "http://127.0.0.1:9/refused"}},
    "POST /api/v1/calendars": lambda *_: {"name": new_id().hex},
    "PATCH /api/v1/calendars/{calendar_id}": lambda *_: {"name": new_id().hex},
    "POST /api/v1/job-categories": lambda *_: {"name": new_id().hex},
    "PATCH /api/v1/job-categories/{category_id}": lambda *_: {"name": new_id().hex},
    "POST /api/v1/teams": lambda *_: {"name": new_id().hex},
    "POST /api/v1/processes": lambda *_: {"name": new_id().hex},
    "POST /api/v1/processes/{process_id}/steps": lambda *_: {"name": new_id().hex},
    "PUT /api/v1/processes/{process_id}/steps/order": lambda _, objects: {"steps": [objects["step_id"]]},
    "POST /api/v1/rate-limits/reset": lambda *_: {},
    "POST /api/v1/secrets": lambda *_: {"name": f"S_{new_id().hex}", "value": "a value for tests"},
    "PATCH /api/v1/scripts/{script}": lambda *_: {"description": "New."},
    "PUT /api/v1/scripts/{script}/access/users": lambda user, _: {"users": [str(user.id)]},
    "PUT /api/v1/secrets/{secret_name}": lambda *_: {"value": "another value for tests"},
    "POST /api/v1/runs": lambda _, objects: {"process_id": objects["process_id"], "entity_id": "x"},
    "POST /api/v1/runs/report": lambda _, objects: {
        "process": objects["process_id"],
        "step": "check",
        "entity_id": "x",
    },
    "PUT /api/v1/settings/slack": lambda *_: {"is_enabled": False},
    "PUT /api/v1/settings/webhook": lambda *_: {"is_enabled": False},
    "POST /api/v1/users": lambda *_: {"email": f"{new_id().hex}@example.com", "name": "New", "password": PASSWORD},
    "POST /api/v1/users/me/change-password": lambda *_: {
        "current_password": PASSWORD,
        "new_password": "eight silent semaphores",
    },
}


UPLOADS = {
    "POST /api/v1/jobs/bulk-upload": {"file": ("jobs.csv", b"Name,Url\nnew,https://receiver.example/hook\n")},
    "POST /api/v1/files": {"file": ("numbers.csv", b"1,2,3")},
    "POST /api/v1/scripts": {"file": ("script.tar.gz", tar())},
    "POST /api/v1/scripts/{script}/versions": {"file": ("script.tar.gz", tar())},
}


@pytest.fixture(scope="module")
async def stage(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Start one application for all cells: rights do not depend on the database."""
    async with databases.migrated("sqlite") as url:
        app = create_app(_settings(url, tmp_path_factory.mktemp("matrix")))
        transport = httpx.ASGITransport(app)
        async with lifespan_of(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            await make_user(app.state.database, Role.SUPERADMIN)
            yield Stage(app, client)


@pytest.mark.parametrize("name", OPERATIONS, ids=list(OPERATIONS))
async def test_the_table_says_who_may_call(stage: Stage, name: str) -> None:
    row = [await stage.call(name, caller) for caller in CALLERS]

    assert {name: dict(zip(CALLERS, row, strict=True))} == {
        name: dict(zip(CALLERS, read_table().get(name, []), strict=False))
    }


def test_the_table_has_no_row_too_many() -> None:
    assert set(read_table()) - set(OPERATIONS) == set()
