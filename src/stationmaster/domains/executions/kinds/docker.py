"""The executor of containers: on one engine, or as services of a swarm."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from stationmaster.domains.executions.containers.container_run import ContainerRun
from stationmaster.domains.executions.containers.hardening import NO_NETWORK
from stationmaster.domains.executions.containers.images import check_image, read_login
from stationmaster.domains.executions.containers.naming import AttemptName
from stationmaster.domains.executions.containers.places import Places
from stationmaster.domains.executions.containers.run_facts import RunFacts
from stationmaster.domains.executions.containers.service_run import ServiceRun
from stationmaster.domains.executions.containers.work import INPUTS, ContainerWork, Limits
from stationmaster.domains.executions.containers.workspace import own_variables
from stationmaster.domains.executions.desk import TrialDesk
from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.state_file import StateFile, States
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets.docker import DockerTarget
from stationmaster.errors import StationmasterError
from stationmaster.kit import clock
from stationmaster.outbound.docker.engine import Engine
from stationmaster.outbound.docker.errors import EngineAway, EngineRefused
from stationmaster.outbound.docker.swarm import Swarm
from stationmaster.setting_groups import DockerSettings

logger = logging.getLogger(__name__)

HOST = "docker"
SHORTEST_SECONDS = 1.0
MOST_INTERRUPTED = 100
SERVER_ERROR = 500
WAITING = {"waits": True}
ENGINE_ANSWERS = (EngineAway, EngineRefused)


class Secrets(Protocol):
    """Whoever opens stored secrets for an attempt."""

    async def open(self, names: Collection[str], facts: Facts) -> Mapping[str, str]:
        """Return their values by name.

        Raises:
            StationmasterError: some are not for this attempt.
        """


class DockerExecutor:
    """Runs containers."""

    kind = "docker"

    def __init__(
        self,
        engine: Engine,
        settings: DockerSettings,
        *,
        installation: str,
        secrets: Secrets,
        states: States,
        service_url: str,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._installation = installation
        self._secrets = secrets
        self._states = states
        self._service_url = settings.service_url or service_url
        self._interrupted: OrderedDict[AttemptName, ContainerRun | ServiceRun] = OrderedDict()
        self._places = Places(settings.max_running)

    async def run(self, target: DockerTarget, context: Context) -> Outcome:
        """Run the container to its end."""
        facts = await context.desk.read_facts()
        seconds = min(target.timeout_seconds or context.timeout_seconds, context.timeout_seconds)
        async with self.place(context, facts):
            try:
                self.check(target)
                work = await self._prepare(target, context, facts)
            except (ValueError, StationmasterError) as refusal:
                return Outcome(State.FAILED, Reason.BLOCKED, error=str(refusal), is_final=True)
            return await self.carry_out(work, context, facts, timeout_seconds=seconds)

    @asynccontextmanager
    async def place(self, context: Context, facts: Facts) -> AsyncIterator[None]:
        """Hold one of the places for containers, which `carry_out` needs; to wait for it costs the attempt no time.

        Who waits has a handle that says so: when its replica goes away nothing is lost, and it waits at the next.

        Raises:
            Disowned: somebody else has the attempt.
        """
        is_begun = _begun(facts) is not None
        if not is_begun and self._places.are_taken:
            await context.desk.save_handle(WAITING)
        async with self._places.one(context.stopwatch.stopped(), at_once=is_begun):
            yield

    async def carry_out(
        self, work: ContainerWork, context: Context, facts: Facts, *, timeout_seconds: float
    ) -> Outcome:
        """Run prepared work in its `place`, begun here or, with a handle among the facts, by a replica that went away.

        Where there are files, it finds the state of its job, and leaves the next.

        Raises:
            Disowned: somebody else has the attempt.
        """
        begun = _begun(facts)
        ends_at = _end_of(begun) or clock.now() + timedelta(seconds=timeout_seconds)
        seconds = max(SHORTEST_SECONDS, (ends_at - clock.now()).total_seconds())
        if self._settings.mode == "container":
            state = await StateFile.open(self._states, facts.job_id, context.execution_id)
            work = replace(work, state=state)
        if work.has_network:
            await (
                context.journal.settle()
            )  # what must be hidden is known to all replicas before anything can be reported
        run = self._open_run(context, ends_at)
        try:
            async with asyncio.timeout(seconds):
                return await run.carry_out(work, begun)
        except TimeoutError:
            await self._stop(run)
            error = f"No end within {timeout_seconds:g} seconds; it was stopped."
            return Outcome(State.TIMED_OUT, Reason.TIMEOUT, error=error)
        except ENGINE_ANSWERS as error:
            return _explain(error)
        except asyncio.CancelledError:
            self._remember(run)
            raise
        finally:
            if isinstance(context.desk, TrialDesk):
                await self._engine.remove_container(str(run.name))

    async def stop(self, target: DockerTarget, context: Context) -> None:  # noqa: ARG002
        """End the container of an attempt."""
        run = self._interrupted.pop(AttemptName(context.execution_id, context.attempt), None)
        await self._stop(run or self._open_run(context, clock.now()))

    def check(self, target: DockerTarget) -> None:
        """Refuse what this house does not run.

        Raises:
            ValueError: says why.
        """
        settings = self._settings
        check_image(target.image, settings)
        for name, most in (
            ("cpu", settings.max_cpu),
            ("memory_mb", settings.max_memory_mb),
            ("pids", settings.max_pids),
        ):
            if getattr(target, name) > most:
                raise ValueError(f"{name} is at most {most:g} here")
        if target.network != NO_NETWORK and not settings.network:
            raise ValueError("containers get no network here: STATIONMASTER_DOCKER__NETWORK names none")
        if target.outputs and settings.mode == "swarm":
            raise ValueError("services of a swarm have no outputs: their files are out of reach")

    def host_of(self, target: DockerTarget) -> str:  # noqa: ARG002
        """Name the engine: all containers load the same one."""
        return HOST

    @property
    def input_folder(self) -> str:
        """Where a program finds the files that are put into its container."""
        return INPUTS

    async def _prepare(self, target: DockerTarget, context: Context, facts: Facts) -> ContainerWork:
        """Lay out the work, with its secrets opened and hidden in all it will say."""
        names = {*target.secrets, *([target.credential] if target.credential else [])}
        secrets = await self._secrets.open(names, facts)
        for secret in secrets.values():
            context.journal.mask(secret)
        work = self.make_work(target, context)
        env = {**work.env, **{name: secrets[name] for name in target.secrets}}
        login = read_login(target.image, target.credential, secrets[target.credential]) if target.credential else None
        return replace(work, env=env, login=login, outputs=target.outputs)

    def make_work(
        self,
        target: DockerTarget,
        context: Context,
        *,
        files: Mapping[str, bytes] | None = None,
        outputs: Sequence[str] = (),
    ) -> ContainerWork:
        """Lay out the work of a target without its secrets; `files` are put under `input_folder`.

        Raises:
            ValueError: there are files, and the services of a swarm cannot be given any.
        """
        if files and self._settings.mode == "swarm":
            raise ValueError("files cannot be handed to the services of a swarm")
        own = own_variables(target.params, context.execution_id, has_files=self._settings.mode == "container")
        if target.network != NO_NETWORK:
            own |= self._reporting(context)
        return ContainerWork(
            image=target.image,
            command=target.command,
            env={"HOME": "/tmp", **target.env, **own},  # noqa: S108
            limits=Limits(target.cpu, target.memory_mb, target.pids),
            has_network=target.network != NO_NETWORK,
            files=files or {},
            outputs=outputs,
        )

    def _reporting(self, context: Context) -> dict[str, str]:
        """Return by what a program with a network reports to us on its own execution; a trial's has nothing to report."""
        token = context.desk.report_token()
        if token is None:
            return {}
        context.journal.mask(token)
        return {"STATIONMASTER_URL": self._service_url, "STATIONMASTER_TOKEN": token}

    def _open_run(self, context: Context, ends_at: datetime) -> ContainerRun | ServiceRun:
        name = AttemptName(context.execution_id, context.attempt)
        facts = RunFacts(self._settings, name, self._installation, ends_at)
        if self._settings.mode == "swarm":
            return ServiceRun(Swarm(self._engine), facts, context.desk, context.journal)
        return ContainerRun(self._engine, facts, context.desk, context.journal)

    def _remember(self, run: ContainerRun | ServiceRun) -> None:
        """Keep a run that was interrupted, for `stop`, which follows unless the attempt is somebody else's now."""
        self._interrupted[run.facts.name] = run
        if len(self._interrupted) > MOST_INTERRUPTED:
            self._interrupted.popitem(last=False)

    async def _stop(self, run: ContainerRun | ServiceRun) -> None:
        try:
            await run.stop()
        except ENGINE_ANSWERS as error:  # the reaper removes it later
            logger.warning("docker.not_stopped", extra={"container": str(run.name), "error": str(error)})


def _begun(facts: Facts) -> Mapping[str, Any] | None:
    """Return the handle of a container that may be there already; None when the attempt only waited until now."""
    return None if facts.handle == WAITING else facts.handle


def _end_of(handle: Mapping[str, Any] | None) -> datetime | None:
    return datetime.fromisoformat(handle["ends_at"]) if handle else None


def _explain(error: EngineAway | EngineRefused) -> Outcome:
    if isinstance(error, EngineAway):
        return Outcome(State.FAILED, Reason.NETWORK_ERROR, error=str(error))
    text = f"The Docker engine refused: {error}"
    if error.status >= SERVER_ERROR:
        return Outcome(State.FAILED, Reason.SERVER_ERROR, error=text)
    return Outcome(State.FAILED, Reason.CLIENT_ERROR, error=text, is_final=True)
