"""Runs orders, each in a folder and behind a wall of its own.

async with sandbox.run(order, journal) as end:
    ...  # what `end.outputs` names can be read here, and is gone afterwards
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from stationmaster.outbound.sandbox import bubblewrap, plain, seccomp
from stationmaster.outbound.sandbox.attendance import Ear, attend
from stationmaster.outbound.sandbox.bubblewrap import Tools
from stationmaster.outbound.sandbox.child import Child, started
from stationmaster.outbound.sandbox.collection import collect, take_document
from stationmaster.outbound.sandbox.control_group import ControlGroup, make_group
from stationmaster.outbound.sandbox.meter import contents_of
from stationmaster.outbound.sandbox.order import MIB, Cause, Journal, Limits, SandboxEnd, SandboxOrder
from stationmaster.outbound.sandbox.paths import (
    INSIDE,
    PARAMS_FILE,
    RESULT_FILE,
    STATE_FILE,
    WORK,
    Paths,
    environment_of,
    outside,
)
from stationmaster.outbound.sandbox.protection import Level, Protection
from stationmaster.outbound.sandbox.trial import find_protection
from stationmaster.outbound.sandbox.verdict import Traces, judge
from stationmaster.outbound.sandbox.watch import MOST_FILES, Watch
from stationmaster.outbound.sandbox.work_folder import WorkRoom, remove
from stationmaster.setting_groups import SandboxSettings

logger = logging.getLogger(__name__)

T = TypeVar("T")
_UNNOTICED: AbstractContextManager[None] = nullcontext()
_SEVERITY = {Level.FULL: logging.INFO, Level.REDUCED: logging.WARNING, Level.NONE: logging.WARNING}
MOST_DOCUMENT_BYTES = MIB


@dataclass
class Sandbox:
    """Runs orders on this machine; made by `opening.open_sandbox`."""

    settings: SandboxSettings
    room: WorkRoom
    tools: Tools
    places: asyncio.Semaphore
    threads: ThreadPoolExecutor
    _protection: Protection | None = None
    _trying: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def protection(self) -> Protection:
        """Return what wall there is; it is tried once, when it is first asked for."""
        async with self._trying:
            if self._protection is None:
                self._protection = await find_protection(self._run_at, self.tools, self.settings.mode)
                facts = {"level": self._protection.level.value, "why": self._protection.text}
                logger.log(_SEVERITY[self._protection.level], "sandbox.tried", extra=facts)
            return self._protection

    async def paths_of(self, name: str) -> Paths:
        """Return where a run of this name will find its folders, to name files in its command."""
        protection = await self.protection()
        return INSIDE if protection.level is Level.FULL else outside(self.room.folder / name)

    def limits(self, *, wall_seconds: float, memory_mb: int | None = None, cpus: float | None = None) -> Limits:
        """Return the limits of a run: those of the settings, and what it asks for."""
        ours = self.settings
        return Limits(
            wall_seconds=wall_seconds,
            cpu_seconds=ours.cpu_seconds,
            memory_bytes=(memory_mb or ours.memory_mb) * MIB,
            processes=ours.processes,
            file_bytes=ours.file_mb * MIB,
            disk_bytes=ours.disk_mb * MIB,
            output_bytes=ours.output_mb * MIB,
            cpus=cpus,
        )

    @asynccontextmanager
    async def run(
        self, order: SandboxOrder, journal: Journal, *, waiting: AbstractContextManager[None] = _UNNOTICED
    ) -> AsyncIterator[SandboxEnd]:
        """Run an order and give its end. Its outputs can be read until the context ends.

        Cancellation ends the run and all its processes, and passes through. Waiting for a place is not part of the
        order's time; it happens inside of `waiting`.
        """
        protection = await self.protection()
        if refusal := self._refusal(order, protection):
            yield refusal
            return
        with waiting:
            await self.places.acquire()
        try:
            async with self._run_at(protection.level, order, journal) as end:
                yield end
        finally:
            self.places.release()

    def _refusal(self, order: SandboxOrder, protection: Protection) -> SandboxEnd | None:
        if protection.level is Level.NONE:
            return SandboxEnd(Cause.NOT_STARTED, None, protection.text)
        if order.has_network and not self.settings.allow_network:
            text = "The network is not granted here: STATIONMASTER_SANDBOX__ALLOW_NETWORK is off."
            return SandboxEnd(Cause.BLOCKED, None, text)
        return None

    @asynccontextmanager
    async def _run_at(self, level: Level, order: SandboxOrder, journal: Journal) -> AsyncIterator[SandboxEnd]:
        folder = self.room.folder / order.name
        try:
            await self._in_thread(partial(self.room.make, order, _documents(order), owner=self._user_id))
            yield await self._run(level, order, folder, journal)
        finally:
            await self._in_thread(partial(remove, folder))

    @property
    def _user_id(self) -> int | None:
        return self.settings.user_id if os.geteuid() == 0 else None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def _run(self, level: Level, order: SandboxOrder, folder: Path, journal: Journal) -> SandboxEnd:
        ear = Ear(journal, order.limits.output_bytes)
        async with AsyncExitStack() as stack:
            try:
                group = self._make_group(order)
                if group:
                    stack.push_async_callback(group.remove)
                child, words = await self._start(level, stack, order, folder)
                if group:
                    group.adopt(child.process.pid)
            except OSError as error:
                return SandboxEnd(Cause.NOT_STARTED, None, f"The sandbox could not be made: {error.strerror}.")
            counts_memory = group is None or "memory" not in group.controllers
            watch = Watch(child, folder / WORK, order.limits, counts_memory, self.threads)
            grace = self.settings.grace.total_seconds()
            stopped_for = await attend(child, words, ear=ear, watch=watch, limits=order.limits, grace_seconds=grace)
            traces = Traces(
                stopped_for=stopped_for,
                exit_code=child.exit_code,
                complaint=ear.last_error.decode(errors="replace").strip(),
                peak_memory_bytes=watch.peak_memory_bytes,
                cpu_seconds=watch.cpu_seconds,
                is_out_of_memory=group is not None and group.has_run_out_of_memory,
            )
        return await self._in_thread(partial(_conclude, order, folder, traces))

    def _make_group(self, order: SandboxOrder) -> ControlGroup | None:
        parent = self.settings.control_group
        return make_group(parent, order.name, order.limits) if parent else None

    async def _start(
        self, level: Level, stack: AsyncExitStack, order: SandboxOrder, folder: Path
    ) -> tuple[Child, bytes]:
        """Start the outermost process; return it, and what to say at its gate."""
        if level is Level.FULL:
            return await self._start_walled(stack, order, folder), b"go\n"
        command = plain.plain_command(self.tools, order.command, user_id=self._user_id, limits=order.limits)
        child = await stack.enter_async_context(started(command, folder=folder / WORK, mark=self._mark(order)))
        return child, plain.gate_words(environment_of(order, outside(folder)))

    def _mark(self, order: SandboxOrder) -> str:
        """Name the run among all on this machine."""
        return f"{self.room.folder.name}/{order.name}"

    async def _start_walled(self, stack: AsyncExitStack, order: SandboxOrder, folder: Path) -> Child:
        program = seccomp.refusals()
        filter_ = stack.enter_context(_memory_file(program)) if program else None
        shown_at = bubblewrap.place_beside(self.settings.read_only_paths)
        words = bubblewrap.inner_arguments(
            folder if self._user_id is None else Path(shown_at),
            environment=environment_of(order, INSIDE),
            read_only=self.settings.read_only_paths,
            has_network=order.has_network,
            seccomp=filter_,
        )
        arguments = stack.enter_context(_memory_file(words))
        status = os.pipe()
        command = bubblewrap.outer_command(
            self.tools,
            folder,
            order.command,
            user_id=self._user_id,
            shown_at=shown_at,
            limits=order.limits,
            arguments=arguments,
            status=status[1],
        )
        inherited = [arguments] if filter_ is None else [arguments, filter_]
        starting = started(command, folder=Path("/"), mark=self._mark(order), inherited=inherited, status=status)
        return await stack.enter_async_context(starting)


def _documents(order: SandboxOrder) -> Mapping[str, bytes]:
    documents = {PARAMS_FILE: order.params, STATE_FILE: order.state}
    return {
        name: json.dumps(value, ensure_ascii=False).encode() for name, value in documents.items() if value is not None
    }


@contextmanager
def _memory_file(content: bytes) -> Iterator[int]:
    """Give a descriptor from which a child can read this, and nobody else."""
    descriptor = os.memfd_create("sandbox")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _conclude(order: SandboxOrder, folder: Path, traces: Traces) -> SandboxEnd:
    """Judge a run that is over, and take out what it left."""
    left = contents_of(folder / WORK, most=MOST_FILES)
    cause, text = judge(traces, order.limits, largest_file_bytes=left.largest_bytes)
    documents = {name: _read_json(folder, name) for name in (RESULT_FILE, STATE_FILE)}
    collection = collect(folder, order.outputs)
    return SandboxEnd(
        cause=cause,
        exit_code=traces.exit_code if cause in {Cause.EXITED, Cause.SIGNALLED} else None,
        text=text,
        result=documents[RESULT_FILE][0],
        state=documents[STATE_FILE][0],
        outputs=tuple(collection.outputs),
        notes=(*(note for _, note in documents.values() if note), *collection.notes),
    )


def _read_json(folder: Path, name: str) -> tuple[Any, str | None]:
    """Return what a document says, or why it is not taken."""
    document = take_document(folder, name)
    if document is None:
        return None, None
    if document.size_bytes > MOST_DOCUMENT_BYTES:
        return None, f"{name} is larger than {MOST_DOCUMENT_BYTES // MIB} MiB and is left out."
    try:
        return json.loads(document.path.read_bytes()), None
    except (ValueError, RecursionError):
        return None, f"{name} is not valid JSON and is left out."
