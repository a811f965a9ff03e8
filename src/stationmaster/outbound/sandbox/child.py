"""The outermost process of a run: how it is heard, signalled and ended."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from stationmaster.outbound.sandbox.meter import name_of, processes_under, processes_with
from stationmaster.outbound.sandbox.order import Stream
from stationmaster.outbound.sandbox.process import Process, spawn

CHUNK_BYTES = 65_536
END_SECONDS = 2.0
"""How long bubblewrap may take to notice that all inside are dead."""
WALL_SECONDS = 0.002


@dataclass(slots=True)
class Child:
    """The process. `status` are bubblewrap's own messages: the process it started, and that one's exit code."""

    process: Process
    readers: dict[Stream, asyncio.StreamReader]
    status_reader: asyncio.StreamReader | None
    gate: int
    mark: str
    status: dict[str, int] = field(default_factory=dict)
    transports: list[asyncio.BaseTransport] = field(default_factory=list)

    @property
    def is_walled(self) -> bool:
        """Whether bubblewrap is around it."""
        return self.status_reader is not None

    @property
    def root(self) -> int:
        """The process under which all others of the run are: the first of its namespace, or the outermost one."""
        return self.status.get("child-pid", self.process.pid)

    @property
    def exit_code(self) -> int | None:
        """How the command ended, as shells show it: 128+n after signal n. None when bubblewrap never started it."""
        if self.is_walled:
            return self.status.get("exit-code")
        code = self.process.returncode
        return 128 - code if code is not None and code < 0 else code

    async def release(self, words: bytes) -> None:
        """Let the run begin: through the gate, and behind a wall through the inner one once the wall stands."""
        self._say(words)
        while self.is_walled and self.process.returncode is None and not self._stands():  # noqa: ASYNC110  # /proc tells nobody
            await asyncio.sleep(WALL_SECONDS)
        if self.is_walled:
            self._say(b"run\n")
        self.close_gate()

    def _stands(self) -> bool:
        """Say whether somebody waits at the inner gate: then the signals of a parent's death are armed from end to end."""
        if "child-pid" not in self.status:
            return False
        return any(name_of(pid) == "sh" for pid in self.processes()[1:])

    def _say(self, words: bytes) -> None:
        with suppress(BrokenPipeError):
            os.write(self.gate, words)

    def close_gate(self) -> None:
        if self.gate >= 0:
            os.close(self.gate)
            self.gate = -1

    async def listen(self) -> None:
        """Take in what bubblewrap says of itself, until it ends."""
        if self.status_reader is None:
            return
        while line := await self.status_reader.readline():
            with suppress(ValueError):
                self.status |= {name: value for name, value in json.loads(line).items() if isinstance(value, int)}

    def processes(self) -> list[int]:
        """Return the processes of the run, bubblewrap's own first one included; without a wall, those not detached."""
        return processes_under(self.root)

    def _all_processes(self) -> list[int]:
        """Return the detached ones as well, for which the whole machine is searched."""
        return self.processes() + ([] if self.is_walled else processes_with(self.mark))

    def terminate(self) -> None:
        """Ask the processes to end. bubblewrap's own would not pass it on, and is not asked."""
        for pid in self._all_processes():
            if not self.is_walled or pid != self.root:
                _signal(pid, signal.SIGTERM)

    def kill(self) -> None:
        """End all of them. Behind a wall the kernel does that when the first one inside dies.

        Then bubblewrap sees it and leaves by itself: were it killed, its child would be an orphan, and its end nobody's.
        """
        if not self.is_walled:
            for pid in self._all_processes():
                _signal(pid, signal.SIGKILL)
        elif self.process.returncode is None and "exit-code" not in self.status:
            _signal(self.root, signal.SIGKILL)

    def hang_up(self) -> None:
        """Hear no more, whoever still holds the other ends."""
        for transport in self.transports:
            transport.close()


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


@asynccontextmanager
async def started(
    command: Sequence[str],
    *,
    folder: Path,
    mark: str,
    inherited: Sequence[int] = (),
    status: tuple[int, int] | None = None,
) -> AsyncIterator[Child]:
    """Start the outermost process, which waits at its gate. It is dead when the context ends, and all pipes are closed.

    `inherited` are file descriptors that it gets as well; `status` is the pipe of bubblewrap's messages, which becomes ours.
    """
    with ExitStack() as theirs, ExitStack() as on_failure:
        ours = _pipes(theirs)
        if status:
            ours["status"] = status[0]
            theirs.callback(os.close, status[1])
        stdio = ours.pop("0"), ours.pop("1"), ours.pop("2")
        for descriptor in ours.values():
            on_failure.callback(os.close, descriptor)
        passed = [*inherited, *(status or ())[1:]]
        process = spawn(command, stdio=stdio, passed=passed, folder=folder, mark=mark)
        on_failure.pop_all()
    child = Child(process, {}, None, ours.pop("gate"), mark)
    try:
        await _connect(child, ours)
        yield child
    finally:
        await _finish(child)


def _pipes(theirs: ExitStack) -> dict[str, int]:
    """Make the three pipes: our ends by name, the child's by number; the latter are closed with `theirs`."""
    ends: dict[str, int] = {}
    for name, number in (("gate", "0"), ("stdout", "1"), ("stderr", "2")):
        read, write = os.pipe()
        ends[name], ends[number] = (write, read) if name == "gate" else (read, write)
        theirs.callback(os.close, ends[number])
    return ends


async def _connect(child: Child, descriptors: dict[str, int]) -> None:
    loop = asyncio.get_running_loop()
    for name, descriptor in descriptors.items():
        reader = asyncio.StreamReader(limit=CHUNK_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_read_pipe(partial(_same, protocol), os.fdopen(descriptor, "rb", 0))
        child.transports.append(transport)
        if name == "status":
            child.status_reader = reader
        else:
            child.readers["stdout" if name == "stdout" else "stderr"] = reader


def _same(protocol: asyncio.StreamReaderProtocol) -> asyncio.StreamReaderProtocol:
    return protocol


async def _finish(child: Child) -> None:
    """Leave nothing behind, in whatever state the run is."""
    child.close_gate()
    child.kill()
    try:
        async with asyncio.timeout(END_SECONDS):
            await child.process.wait()
    except TimeoutError:
        child.process.kill()
        await child.process.wait()
    finally:
        child.hang_up()
