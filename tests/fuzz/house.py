"""A service under fuzzing: really served, with callers of every kind, and with objects that the calls may name.

It runs on an event loop of its own thread, since the cases are generated and sent by code that is not async. A caller whose
call changed something is not used again: it may have signed itself out, deleted itself, or deleted what it had.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zlib import crc32

import anyio
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from pydantic import SecretStr
from schemathesis import Case

from stationmaster.app import create_app
from stationmaster.config import RegistrationSettings, RunnerSettings, Settings
from stationmaster.domains.executions.executor import Context, Executor, Outcome
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Role
from stationmaster.outbound.guard import GuardedResolver
from stationmaster.setting_groups import RateLimitSettings
from tests.support.executions import SUCCESS
from tests.support.mails import STAYING
from tests.support.objects import make_objects
from tests.support.people import make_key, make_person, make_user

ANONYMOUS, KEY = "anonymous", "api-key"
AnyCase = Case[Any]
KINDS = (ANONYMOUS, Role.VIEWER, Role.USER, Role.USER, Role.ADMIN, Role.SUPERADMIN, Role.SUPERADMIN, KEY)


def make_settings(database_url: str = "sqlite+aiosqlite://", folder: Path = Path()) -> Settings:
    """Give settings for a service that answers all, and starts nothing by itself."""
    return Settings(
        _env_file=None,
        data_dir=folder,
        database_url=database_url,
        secret_key=SecretStr("a secret key of the tests, long enough"),
        scheduler_enabled=False,
        runner=RunnerSettings(enabled=False),
        registration=RegistrationSettings(mode="on"),
        rate_limits=RateLimitSettings(enabled=False),
        mail=STAYING,
    )


@dataclass(frozen=True)
class Caller:
    """Somebody who calls: how that is proven, and the objects of theirs by the name of the path parameter."""

    headers: dict[str, str]
    objects: Mapping[str, str]


@dataclass
class House:
    """The running service."""

    app: FastAPI
    url: str
    portal: BlockingPortal
    callers: dict[tuple[str, str], Caller] = field(default_factory=dict)

    def send(self, case: AnyCase) -> None:
        """Call the service as a case says, and compare the answer with the document."""
        number = number_of(case)
        kind = KINDS[number % len(KINDS)]
        names = [name for name in case.path_parameters if f"{{{name}}}" in case.path]
        caller = self.caller(kind, case.path, names)
        if number & 16:
            name_existing(case, caller.objects)
        response = case.call(base_url=self.url, headers=caller.headers)
        if response.status_code < 300 and case.method != "GET":
            del self.callers[kind, case.path]
        case.validate_response(response, headers=caller.headers)

    def caller(self, kind: str, path: str, names: list[str]) -> Caller:
        """Give a caller of a kind for a path, the same until it changed something."""
        if (kind, path) not in self.callers:
            self.callers[kind, path] = self.portal.call(make_caller, self.app, kind, names)
        return self.callers[kind, path]


def number_of(case: AnyCase) -> int:
    """Give a number that depends on nothing but the case, so that a case that failed fails again."""
    parts = (case.method, case.path, case.path_parameters, case.query, case.headers, case.body)
    return crc32(repr(parts).encode("utf-8", "backslashreplace"))


def name_existing(case: AnyCase, objects: Mapping[str, str]) -> None:
    """Let a case name objects that are there, unless it is just about to name them wrongly."""
    changed = {name: objects.get(name, value) for name, value in case.path_parameters.items()}
    if all(isinstance(value, str) and len(value) == len(changed[name]) for name, value in case.path_parameters.items()):
        case.path_parameters = changed


async def make_caller(app: FastAPI, kind: str, names: list[str]) -> Caller:
    user, headers = await _make_proof(app, kind)
    return Caller(headers, await make_objects(app, user, names) if names else {})


async def _make_proof(app: FastAPI, kind: str) -> tuple[User, dict[str, str]]:
    if kind == ANONYMOUS:
        return await make_user(app.state.database), {}
    if kind == KEY:
        user = await make_user(app.state.database, Role.ADMIN)
        return user, (await make_key(app, user))[1]
    person = await make_person(app, Role(kind))
    return person.user, person.headers


@dataclass(frozen=True)
class Quiet:
    """An executor that checks a target as ever, and then does nothing: no case calls another machine."""

    executor: Executor

    @property
    def kind(self) -> str:
        return self.executor.kind

    async def run(self, target: Target, context: Context) -> Outcome:
        return SUCCESS

    def check(self, target: Target) -> None:
        self.executor.check(target)

    def host_of(self, target: Target) -> str | None:
        return self.executor.host_of(target)


async def resolve_nothing(_resolver: GuardedResolver, host: str, *_: object, **__: object) -> None:
    """Know no name, as on a machine without a network: what the cases store is called by others, in the tests of settings."""
    raise OSError(f"no such name: {host}")


@contextmanager
def open_house(database_url: str, folder: Path) -> Iterator[House]:
    """Serve the application on a free port of loopback."""
    app = create_app(make_settings(database_url, folder))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    with (
        patch.object(GuardedResolver, "resolve", resolve_nothing),
        socket.create_server(("127.0.0.1", 0)) as listener,
        start_blocking_portal() as portal,
    ):
        serving = portal.start_task_soon(server.serve, [listener])
        while not server.started:
            portal.call(anyio.sleep, 0.01)
            assert not serving.done(), serving.exception()
        rules = app.state.job_rules
        executors: dict[str, Any] = {kind: Quiet(executor) for kind, executor in rules.executors.items()}
        app.state.job_rules = replace(rules, executors=executors)
        portal.call(make_user, app.state.database, Role.SUPERADMIN)
        try:
            yield House(app, f"http://127.0.0.1:{listener.getsockname()[1]}", portal)
        finally:
            server.should_exit = True
            serving.result()
