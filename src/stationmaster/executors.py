"""Opens the executors: one for each kind of target that this replica carries out. A new kind is one line here."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from yarl import URL

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.domains.executions.executor import Executor
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
from stationmaster.outbound.guard import Guard
from stationmaster.outbound.http import open_dispatch_client
from stationmaster.outbound.sandbox.sandbox import Sandbox

TRIAL_CONNECTIONS = 32
"""Beside those for executions: for test runs, which must not wait behind a full queue."""
GITHUB_CONNECTIONS = 32


@asynccontextmanager
async def open_engine_of(settings: Settings) -> AsyncIterator[Engine | None]:
    """Open the client of the Docker engine, where this replica runs containers."""
    if not settings.docker.enabled:
        yield None
        return
    async with open_engine(settings.docker.url, settings.docker.tls_dir) as engine:
        yield engine


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
    github = URL(settings.github.api_url)  # the operator's word, so that it may be a private address
    github_guard = Guard((*settings.outbound_allow, f"{github.host_subcomponent}:{github.port}"))
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
