"""Opens the executors: one for each kind of target that this replica carries out. A new kind is one line here."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from yarl import URL

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.domains.executions.executor import Executor
from stationmaster.domains.executions.external import earthengine
from stationmaster.domains.executions.external.earthengine import EarthEngine
from stationmaster.domains.executions.granted import GrantedSecrets
from stationmaster.domains.executions.kinds.docker import DockerExecutor
from stationmaster.domains.executions.kinds.github.executor import GithubExecutor
from stationmaster.domains.executions.kinds.script import ScriptExecutor
from stationmaster.domains.executions.kinds.webhook import WebhookExecutor
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.state_book import StateBook
from stationmaster.domains.runs.process_executor import ProcessExecutor
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound.docker.engine import Engine, open_engine
from stationmaster.outbound.google_tokens import GoogleTokens
from stationmaster.outbound.guard import Guard
from stationmaster.outbound.http import open_dispatch_client
from stationmaster.outbound.sandbox.sandbox import Sandbox

TRIAL_CONNECTIONS = 32
"""Beside those for executions: for test runs, which must not wait behind a full queue."""
GITHUB_CONNECTIONS = 32
EARTHENGINE_CONNECTIONS = 8


@asynccontextmanager
async def open_engine_of(settings: Settings) -> AsyncIterator[Engine | None]:
    """Open the client of the Docker engine, where this replica runs containers."""
    if not settings.docker.enabled:
        yield None
        return
    async with open_engine(settings.docker.url, settings.docker.tls_dir) as engine:
        yield engine


@asynccontextmanager
async def open_earthengine(settings: Settings) -> AsyncIterator[EarthEngine]:
    """Open the client of Google Earth Engine, with what it needs to be allowed to cancel."""
    own, key = settings.earthengine, settings.earthengine.key
    guard = _guard_for(settings, own.api_url, *([key.token_uri] if key else []))
    async with open_dispatch_client(guard, connections=EARTHENGINE_CONNECTIONS) as client:
        tokens = GoogleTokens(client, key, earthengine.SCOPE) if key else None
        yield EarthEngine(client, own.api_url, own.project or (key.project if key else ""), tokens)


def _guard_for(settings: Settings, *urls: str) -> Guard:
    """Guard calls to addresses that the operator named: they may be private ones."""
    named = [URL(url) for url in urls]
    return Guard((*settings.outbound_allow, *(f"{url.host_subcomponent}:{url.port}" for url in named)))


@asynccontextmanager
async def open_executors(
    settings: Settings,
    database: Database,
    sealer: Sealer,
    *,
    engine: Engine | None,
    sandbox: Sandbox,
    installation: str,
    find_rules: Callable[[], JobRules],
) -> AsyncIterator[Mapping[str, Executor]]:
    """Give one executor for each kind of target. A new kind is one line here."""
    secrets = GrantedSecrets(database, sealer)
    states = StateBook(database)
    connections = settings.runner.concurrency + TRIAL_CONNECTIONS
    github_guard = _guard_for(settings, settings.github.api_url)
    async with (
        open_dispatch_client(Guard(settings.outbound_allow), connections=connections) as client,
        open_dispatch_client(github_guard, connections=GITHUB_CONNECTIONS) as github_client,
    ):
        executors: list[Executor] = [
            WebhookExecutor(client),
            GithubExecutor(github_client, settings.github, secrets),
            ProcessExecutor(database, find_rules),
        ]
        containers: DockerExecutor | None = None
        if engine is not None:
            house = {"installation": installation, "service_url": settings.public_url}
            containers = DockerExecutor(engine, settings.docker, secrets=secrets, states=states, **house)
            executors.append(containers)
        url = settings.docker.service_url or settings.public_url
        executors.append(ScriptExecutor(database, sealer, sandbox, containers, states=states, service_url=url))
        yield {executor.kind: executor for executor in executors}
