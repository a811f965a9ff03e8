"""The executor of registered scripts: finds out what is to run, and has it run in the sandbox or in a container.

What is current when the attempt begins counts: the version, the rights of whoever the work belongs to, the grants of
secrets. A container that an earlier replica began is taken over; a process in a sandbox dies with its replica, and then the
work is lost or begun anew, as the job says.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from stationmaster.db import blobs
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.containers.images import read_login
from stationmaster.domains.executions.containers.work import Limits
from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.journal import Stream
from stationmaster.domains.executions.kinds.docker import DockerExecutor
from stationmaster.domains.executions.script_use import find_runner, find_use
from stationmaster.domains.executions.script_work import ScriptWork
from stationmaster.domains.executions.state_file import StateFile, States
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets.docker import DockerTarget
from stationmaster.domains.executions.targets.script import ScriptTarget
from stationmaster.domains.scripts import usage
from stationmaster.domains.scripts.archives.reading import read_all
from stationmaster.domains.scripts.manifest import Manifest
from stationmaster.domains.scripts.models import Origin
from stationmaster.errors import Invalid, StationmasterError
from stationmaster.kit.progress_pattern import ProgressPattern
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound.docker.engine import RegistryLogin
from stationmaster.outbound.sandbox.order import MIB, Cause, SandboxEnd, SandboxOrder
from stationmaster.outbound.sandbox.sandbox import Sandbox

PIDS = 256
_MEANING: dict[Cause, tuple[State, Reason]] = {
    Cause.EXITED: (State.FAILED, Reason.EXIT_CODE),
    Cause.SIGNALLED: (State.FAILED, Reason.EXIT_CODE),
    Cause.TIMEOUT: (State.TIMED_OUT, Reason.TIMEOUT),
    Cause.CPU: (State.FAILED, Reason.LIMIT),
    Cause.MEMORY: (State.FAILED, Reason.OOM),
    Cause.FILE_SIZE: (State.FAILED, Reason.LIMIT),
    Cause.DISK: (State.FAILED, Reason.LIMIT),
    Cause.OUTPUT: (State.FAILED, Reason.LIMIT),
    Cause.NOT_STARTED: (State.FAILED, Reason.INTERNAL_ERROR),
    Cause.BLOCKED: (State.FAILED, Reason.BLOCKED),
}

_FINAL = frozenset({Cause.NOT_STARTED, Cause.BLOCKED})


class ScriptExecutor:
    """Runs registered scripts."""

    kind = "script"

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        sandbox: Sandbox,
        docker: DockerExecutor | None,
        *,
        states: States,
        service_url: str,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._sandbox = sandbox
        self._docker = docker
        self._states = states
        self._service_url = service_url
        self._in_containers: set[tuple[UUID, int]] = set()

    async def run(self, target: ScriptTarget, context: Context) -> Outcome:
        """Run the current version of the script to its end."""
        facts = await context.desk.read_facts()
        try:
            work = await self._prepare(target, facts)
        except StationmasterError as refusal:
            return Outcome(State.FAILED, Reason.CLIENT_ERROR, error=_explain(refusal), is_final=True)
        for secret in work.secrets.all:
            context.journal.mask(secret)
        if (pattern := work.use.manifest.progress_pattern) is not None:
            context.journal.read_progress_with(ProgressPattern.compile(pattern))
        await context.journal.line(f"Script {work.title}.")
        if work.use.manifest.runtime == "sandbox":
            return await self._run_in_sandbox(work, context, facts.job_id)
        return await self._run_in_container(work, context, facts)

    async def stop(self, target: ScriptTarget, context: Context) -> None:  # noqa: ARG002  # a container is known by its attempt
        """End the container of an attempt; a process in the sandbox ended with `run`."""
        key = (context.execution_id, context.attempt)
        if self._docker is not None and key in self._in_containers:
            self._in_containers.discard(key)
            await self._docker.stop(_no_target(), context)

    def check(self, target: ScriptTarget) -> None:
        """Refuse nothing: what a script target needs is looked up in the database, by `script_use.check_script`."""

    def host_of(self, target: ScriptTarget) -> None:
        """Name nothing: which of a script's versions runs, and where, is known only when it begins."""

    async def _prepare(self, target: ScriptTarget, facts: Facts) -> ScriptWork:
        async with unit_of_work(self._database) as session:
            runner = await find_runner(session, facts.owner_id)
            use, artifacts = await find_use(session, target.script, target.params, runner)
            secrets = await usage.open_secrets(session, self._sealer, use, runner)
            return ScriptWork.of(use, secrets, artifacts)

    async def _run_in_sandbox(self, work: ScriptWork, context: Context, job_id: UUID | None) -> Outcome:
        name = f"{context.execution_id}-{context.attempt}"
        state = await StateFile.open(self._states, job_id, context.execution_id)
        manifest = work.use.manifest
        paths = await self._sandbox.paths_of(name)
        bound = work.bound(str(paths.input))
        has_network = manifest.network != "none"
        limits = self._sandbox.limits(
            wall_seconds=min(manifest.timeout_seconds, context.timeout_seconds),
            memory_mb=manifest.memory_limit // MIB if manifest.memory_limit else None,
            cpus=manifest.cpu_limit,
        )
        async with AsyncExitStack() as stack:
            order = SandboxOrder(
                name=name,
                command=(*work.command(str(paths.script)), *bound.arguments),
                script=await self._read_archive(work),
                input=await self._write_inputs(work, stack),
                environment=await self._environment(work, bound.environment, context, has_network=has_network),
                params=bound.params,
                state=state.found if state else None,
                outputs=tuple(manifest.outputs),
                limits=limits,
                has_network=has_network,
            )
            end = await stack.enter_async_context(
                self._sandbox.run(order, _Ear(context), waiting=context.stopwatch.stopped())
            )
            notes = [*end.notes, *await _keep_outputs(end, context), *await _leave_state(end, state)]
            for note in notes:
                await context.journal.line(note, level="warning")
            return _judge(end, context)

    async def _run_in_container(self, work: ScriptWork, context: Context, facts: Facts) -> Outcome:
        if self._docker is None:
            return Outcome(State.FAILED, Reason.CLIENT_ERROR, error="Containers are not run here.", is_final=True)
        manifest = work.use.manifest
        bound = work.bound(self._docker.input_folder)
        target = DockerTarget.model_construct(
            type="docker",
            image=work.use.version.image or "",
            command=[*_image_arguments(work), *bound.arguments],
            env={**bound.environment, **work.secrets.declared},
            params=dict(bound.params),
            cpu=manifest.cpu_limit or 1,
            memory_mb=(manifest.memory_limit or 256 * MIB) // MIB,
            pids=PIDS,
            network=manifest.network,
        )
        key = (context.execution_id, context.attempt)
        self._in_containers.add(key)
        seconds = min(manifest.timeout_seconds, context.timeout_seconds)
        try:
            self._docker.check(target)
            async with self._docker.place(context, facts):
                files = {name: await self._read(digest) for name, digest in work.inputs.items()}
                made = self._docker.make_work(target, context, files=files, outputs=manifest.outputs)
                made = replace(made, limits=_reserve(made.limits, manifest), login=_find_login(work, target.image))
                outcome = await self._docker.carry_out(made, context, facts, timeout_seconds=seconds)
        except ValueError as refusal:
            outcome = Outcome(State.FAILED, Reason.BLOCKED, error=f"{refusal}", is_final=True)
        self._in_containers.discard(key)
        return outcome

    async def _environment(
        self, work: ScriptWork, bound: Mapping[str, str], context: Context, *, has_network: bool
    ) -> dict[str, str]:
        own = {"EXECUTION_ID": str(context.execution_id)}
        token = context.desk.report_token() if has_network else None
        if token is not None:
            context.journal.mask(token)
            # What must be hidden is known to all replicas before anything can be reported.
            await context.journal.settle()
            own |= {"STATIONMASTER_URL": self._service_url, "STATIONMASTER_TOKEN": token}
        return {**bound, **work.secrets.declared, **own}

    async def _read_archive(self, work: ScriptWork) -> dict[str, bytes]:
        digest = work.use.version.digest
        assert digest is not None, "what runs in the sandbox has an archive"
        return await asyncio.to_thread(read_all, await self._read(digest))

    async def _read(self, digest: str) -> bytes:
        async with read_only(self._database) as session:
            return await blobs.read_all(session, digest)

    async def _write_inputs(self, work: ScriptWork, stack: AsyncExitStack) -> dict[str, Path]:
        """Write the uploads into a folder of our own; the sandbox copies them from there."""
        if not work.inputs:
            return {}
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="stationmaster-inputs-")))
        for name, digest in work.inputs.items():
            await blobs.write_to(self._database, digest, folder / name)
        return {name: folder / name for name in work.inputs}


async def _leave_state(end: SandboxEnd, state: StateFile | None) -> list[str]:
    """Leave what a run that succeeded wrote into its state file; return why it is not taken, if so."""
    if state is None or not end.is_success or end.state is None:
        return []
    problem = await state.leave(end.state)
    return [problem] if problem else []


async def _keep_outputs(end: SandboxEnd, context: Context) -> list[str]:
    """Keep the declared outputs; return why some are not."""
    notes = []
    for output in end.outputs:
        with await asyncio.to_thread(output.path.open, "rb") as file:
            problem = await context.desk.keep_artifact(output.name, blobs.FileSource(file))
        if problem:
            notes.append(f"{output.name} is not kept: {problem}")
    return notes


class _Ear:
    """Hands the output of the sandbox to the journal."""

    def __init__(self, context: Context) -> None:
        self._journal = context.journal

    async def write(self, stream: str, data: bytes, /) -> None:
        await self._journal.feed(data, Stream(stream))


def _reserve(limits: Limits, manifest: Manifest) -> Limits:
    """Add what the manifest wants kept free: a swarm places the service by it, an engine defends that much memory."""
    return replace(
        limits,
        cpu_reservation=manifest.cpu_reservation or 0,
        memory_reservation_mb=(manifest.memory_reservation or 0) // MIB,
    )


def _find_login(work: ScriptWork, image: str) -> RegistryLogin | None:
    credential, secret = work.use.manifest.credential, work.secrets.login
    return None if credential is None or secret is None else read_login(image, credential, secret)


def _judge(end: SandboxEnd, context: Context) -> Outcome:
    reported = context.journal.result
    found = end.result if isinstance(end.result, dict) else None if end.result is None else {"value": end.result}
    result = reported if reported is not None else found
    if end.is_success:
        return Outcome(State.SUCCEEDED, result=result, code=end.exit_code)
    state, reason = _MEANING[end.cause]
    return Outcome(state, reason, error=end.text, result=result, code=end.exit_code, is_final=end.cause in _FINAL)


def _explain(refusal: StationmasterError) -> str:
    if not isinstance(refusal, Invalid):
        return refusal.detail
    return " ".join(f"{(each.pointer or '').removeprefix('/params/')}: {each.detail}" for each in refusal.errors)[:1000]


def _image_arguments(work: ScriptWork) -> list[str]:
    """Return what goes before the arguments: an image that was built for the script starts its entry point by itself."""
    return work.use.manifest.entrypoint if work.use.version.origin is Origin.IMAGE else []


def _no_target() -> DockerTarget:
    """Make the target that `DockerExecutor.stop` is given and does not look at: it knows a container by its attempt."""
    return DockerTarget.model_construct(type="docker", image="")
