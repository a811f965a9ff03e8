"""Attempts in containers, without the engine of executions around them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from stationmaster.db.blobs import Source
from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.journal import TrialJournal
from stationmaster.domains.executions.kinds.docker import DockerExecutor
from stationmaster.domains.executions.targets.docker import DockerTarget
from stationmaster.kit.ids import new_id
from stationmaster.outbound.docker.engine import Engine
from stationmaster.setting_groups import DockerSettings
from tests.support.docker import IMAGE

INSTALLATION = "tests"
URL = "http://station.example"


class FixedSecrets:
    """Opens any secret but one."""

    async def open(self, names: Collection[str], facts: Facts) -> Mapping[str, str]:
        return {name: f"user:value-of-{name}" for name in names}


@dataclass
class NotedDesk:
    """Remembers the handle that a replica which dies would leave."""

    handle: Mapping[str, Any] | None = None
    job_id: UUID | None = None
    has_reporter: bool = False
    kept: dict[str, bytes] = field(default_factory=dict)

    def report_token(self) -> str:
        return "the token of this attempt"

    async def read_facts(self) -> Facts:
        return Facts(handle=self.handle, job_id=self.job_id)

    async def keep_artifact(self, name: str, source: Source) -> str | None:
        self.kept[name] = await source.read(1 << 20)
        return None

    async def save_handle(self, handle: Mapping[str, Any]) -> None:
        self.handle = handle

    def step_aside(self) -> None:
        """Stay: a container's attempt holds its place."""


@dataclass
class NotedStates:
    """Keeps one state for all jobs, and remembers what was left."""

    kept: dict[str, Any] = field(default_factory=dict)
    left: list[tuple[UUID, UUID, dict[str, Any]]] = field(default_factory=list)
    refusal: str | None = None

    async def read(self, job_id: UUID) -> dict[str, Any]:
        return self.kept

    async def leave(self, job_id: UUID, execution_id: UUID, document: dict[str, Any]) -> str | None:
        self.left.append((job_id, execution_id, document))
        return self.refusal


@dataclass
class Attempt:
    """One attempt, which several replicas may carry on one after the other."""

    executor: DockerExecutor
    target: DockerTarget
    timeout_seconds: float = 60
    id: UUID = field(default_factory=new_id)
    desk: NotedDesk = field(default_factory=NotedDesk)
    journal: TrialJournal = field(default_factory=TrialJournal)
    states: NotedStates = field(default_factory=NotedStates)

    @property
    def name(self) -> str:
        return f"execution-{self.id}-1"

    @property
    def said(self) -> list[str]:
        return "".join(piece if piece.endswith("\n") else f"{piece}\n" for piece in self.journal.pieces).splitlines()

    @property
    def context(self) -> Context:
        return Context(
            execution_id=self.id,
            attempt=1,
            scheduled_for=None,
            timeout_seconds=self.timeout_seconds,
            desk=self.desk,
            journal=self.journal,
        )

    async def run(self) -> Outcome:
        """Carry it on, as a replica that has just claimed it."""
        return await self.executor.run(self.target, self.context)

    async def stop(self) -> None:
        await self.executor.stop(self.target, self.context)


def make_attempt(
    engine: Engine, *command: str, settings: DockerSettings | None = None, timeout_seconds: float = 60, **fields: Any
) -> Attempt:
    """Make an attempt of a command in the tests' image."""
    settings = settings or house()
    states = NotedStates()
    executor = DockerExecutor(
        engine, settings, installation=INSTALLATION, secrets=FixedSecrets(), states=states, service_url=URL
    )
    target = DockerTarget.model_validate({"type": "docker", "image": IMAGE, "command": list(command), **fields})
    return Attempt(executor, target, timeout_seconds, states=states)


def house(**settings: Any) -> DockerSettings:
    """Make settings that allow the tests' image."""
    return DockerSettings(**{"images": [IMAGE], "stop_grace": 1, "patience": 30, **settings})
