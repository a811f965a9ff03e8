"""Whether this replica lives, is ready, and how its parts are.

- `/health/live`: the process answers. A failure means: restart it.
- `/health/ready`: it can do its work: the database answers, has this version's schema, and no shutdown has begun. A failure
  means: send requests elsewhere for now.
- `/health`: the parts in detail, for people and dashboards. Only the database decides between 200 and 503; a missing Docker
  engine and a sandbox that holds less than it should are shown and forgiven.

They answer within 3 seconds whatever the database does, and never with a problem document: load balancers read them too.
The lifespan puts `database`, `scheduler_status`, `docker_probe`, `sandbox` and `draining` on `app.state`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import Field
from starlette.requests import Request

from stationmaster import __version__
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.migrate import is_at_head
from stationmaster.db.session import read_only
from stationmaster.kit import clock
from stationmaster.outbound.docker.engine import Engine
from stationmaster.outbound.docker.errors import EngineError
from stationmaster.outbound.docker.report import EngineReport
from stationmaster.outbound.sandbox.protection import Level, Protection
from stationmaster.web.application import SettingsDep
from stationmaster.web.schema import Instant, Output
from stationmaster.web.session import database_of

DATABASE_SECONDS = 2.0
DOCKER_SECONDS = 1.0
DOCKER_CACHE_SECONDS = 30.0
SANDBOX_SECONDS = 2.0
_SANDBOX_WORDS: Mapping[Level, Literal["ok", "reduced", "unavailable"]] = {
    Level.FULL: "ok",
    Level.REDUCED: "reduced",
    Level.NONE: "unavailable",
}

_STARTED = time.monotonic()

router = APIRouter(tags=["operations"])

Part = Literal["database", "migrations", "draining"]


@dataclass(frozen=True)
class SchedulerStatus:
    """What the scheduler of this replica says of itself."""

    leader: bool
    epoch: int | None
    running: bool
    jobs: int


@dataclass(frozen=True)
class DockerStatus:
    """How work in containers is served."""

    status: Literal["ok", "unavailable", "off"]
    mode: Literal["container", "swarm"]
    engine_version: str | None = None


class DockerWatch(Protocol):
    """Whoever can say how the Docker engine is."""

    async def look(self) -> DockerStatus:
        """Ask the engine; never raises, and takes at most a second."""


@dataclass
class DockerProbe:
    """Asks the engine that the executors use (None: they are off) and remembers the answer for 30 seconds."""

    engine: Engine | None
    mode: Literal["container", "swarm"] = "container"
    _asked_at: float = field(default=float("-inf"), init=False)
    _answer: EngineReport | None = field(default=None, init=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def look(self) -> DockerStatus:
        """Say how the engine was when it was last asked. For a swarm it must be a manager's."""
        if self.engine is None:
            return DockerStatus("off", self.mode)
        async with self._asking:
            if time.monotonic() - self._asked_at > DOCKER_CACHE_SECONDS:
                self._answer = await ask_engine(self.engine)
                self._asked_at = time.monotonic()
        answer = self._answer
        is_fit = answer is not None and (self.mode == "container" or answer.is_manager)
        return DockerStatus("ok" if is_fit else "unavailable", self.mode, answer.version if answer else None)


class SandboxStatus(Protocol):
    """Whoever can say what wall there is around scripts."""

    async def protection(self) -> Protection:
        """Say it; the first time it is tried, which takes a moment."""


class Links(Output):
    api: str = Field(examples=["/api/v1"])
    health: str = Field(examples=["/health"])
    docs: str | None = Field(description="Null where the documentation is switched off.", examples=["/docs"])
    redoc: str | None = Field(examples=["/redoc"])
    openapi: str | None = Field(examples=["/openapi.json"])


class Root(Output):
    name: str = Field(examples=["Stationmaster"])
    version: str = Field(examples=["0.1.0"])
    links: Links


class DatabaseHealth(Output):
    status: Literal["ok", "unavailable"]
    dialect: Literal["sqlite", "postgresql"]
    latency_ms: float | None = Field(description="Time of one small question; null when there was no answer.")


class SchedulerHealth(Output):
    leader: bool = Field(description="Whether this replica is the leader.")
    epoch: int | None = Field(description="The leader's term, as far as this replica knows.", examples=[7])
    running: bool = Field(description="Whether the scheduler of this replica runs.")
    jobs: int = Field(description="What its timer has to wake for.", examples=[12])


class DockerHealth(Output):
    status: Literal["ok", "unavailable", "off"] = Field(description="`off`: this replica runs no containers.")
    mode: Literal["container", "swarm"] = Field(description="What an attempt becomes: a container, or a service.")
    engine_version: str | None = Field(description="Null when the engine does not answer.", examples=["28.2.2"])


class SandboxHealth(Output):
    status: Literal["ok", "reduced", "unavailable"] = Field(
        description="`ok`: scripts run behind bubblewrap. `reduced`: as plain processes with limits, which see this machine."
        " `unavailable`: they do not run here; the log and `stationmaster doctor` say why."
    )


class Health(Output):
    status: Literal["ok", "draining", "unavailable"]
    version: str = Field(examples=["0.1.0"])
    uptime_seconds: float = Field(examples=[86400.5])
    timestamp: Instant
    database: DatabaseHealth
    scheduler: SchedulerHealth
    docker: DockerHealth
    sandbox: SandboxHealth


class Liveness(Output):
    status: Literal["ok"]


class Readiness(Output):
    status: Literal["ok", "unavailable"]
    failed: list[Part] = Field(description="The parts that are not ready.", examples=[[]])


_NOT_READY: dict[str, Any] = {
    "model": Readiness,
    "description": "Not ready; `failed` says why",
    "content": {"application/json": {"example": {"status": "unavailable", "failed": ["migrations", "draining"]}}},
}


@router.get("/")
async def get_root(settings: SettingsDep) -> Root:
    """Say who answers here and where to read on."""
    docs, redoc, openapi = ("/docs", "/redoc", "/openapi.json") if settings.http.docs else (None, None, None)
    links = Links(api="/api/v1", health="/health", docs=docs, redoc=redoc, openapi=openapi)
    return Root(name="Stationmaster", version=__version__, links=links)


@router.get("/health", responses={503: {"model": Health, "description": "The database does not answer"}})
async def get_health(request: Request, response: Response) -> Health:
    """Show this replica's parts: database, scheduler, Docker engine, sandbox.

    503 when the database does not answer within two seconds; anything else is 200.
    """
    state = request.app.state
    ask_scheduler: Callable[[], SchedulerStatus] = state.scheduler_status
    probe: DockerWatch = state.docker_probe
    database, docker, sandbox = await asyncio.gather(
        _check_database(database_of(request)), probe.look(), _check_sandbox(state.sandbox)
    )
    is_up = database.status == "ok"
    response.status_code = 200 if is_up else 503
    return Health(
        status=("draining" if state.draining else "ok") if is_up else "unavailable",
        version=__version__,
        uptime_seconds=round(time.monotonic() - _STARTED, 1),
        timestamp=clock.now(),
        database=database,
        scheduler=SchedulerHealth.model_validate(ask_scheduler()),
        docker=DockerHealth.model_validate(docker),
        sandbox=sandbox,
    )


@router.get("/health/live")
async def get_liveness() -> Liveness:
    """Answer, and thereby say that this process lives; nothing else is looked at."""
    return Liveness(status="ok")


@router.get("/health/ready", responses={503: _NOT_READY})
async def get_readiness(request: Request, response: Response) -> Readiness:
    """Say whether this replica should get requests.

    503 while the database does not answer, has not this version's schema, or this replica shuts down.
    """
    failed = await _failed_part_of_database(database_of(request))
    if request.app.state.draining:
        failed.append("draining")
    response.status_code = 503 if failed else 200
    return Readiness(status="unavailable" if failed else "ok", failed=failed)


async def _check_database(database: Database) -> DatabaseHealth:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(DATABASE_SECONDS), read_only(database) as session:
            await session.execute(sa.text("SELECT 1"))
    except AWAY:
        return DatabaseHealth(status="unavailable", dialect=database.dialect, latency_ms=None)
    latency_ms = round((time.perf_counter() - began) * 1000, 2)
    return DatabaseHealth(status="ok", dialect=database.dialect, latency_ms=latency_ms)


async def _check_sandbox(sandbox: SandboxStatus) -> SandboxHealth:
    """Say what wall there is. It is tried when it is first asked for; an answer that takes long comes to the next asker."""
    try:
        async with asyncio.timeout(SANDBOX_SECONDS):
            level = (await asyncio.shield(sandbox.protection())).level
    except TimeoutError:
        return SandboxHealth(status="unavailable")
    return SandboxHealth(status=_SANDBOX_WORDS[level])


async def _failed_part_of_database(database: Database) -> list[Part]:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return [] if await is_at_head(database) else ["migrations"]
    except AWAY:
        return ["database"]


async def ask_engine(engine: Engine) -> EngineReport | None:
    """Return what the engine says of itself; None when it says nothing within a second."""
    try:
        async with asyncio.timeout(DOCKER_SECONDS):
            return await engine.report()
    except (EngineError, TimeoutError):
        return None
