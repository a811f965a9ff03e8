"""A child process that gets three descriptors, those it is passed, and no other; its end is noticed on any event loop.

Neither loop's own subprocesses will do: uvloop's leave the child copies of its pipes, and all that the service itself was
started with. So the standard library starts it, which closes the rest, and a process descriptor (pidfd_open(2)) tells of
its end.
"""

import asyncio
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stationmaster.outbound.sandbox.meter import MARK


@dataclass(slots=True)
class Process:
    """The process; made by `spawn`."""

    popen: subprocess.Popen[bytes]
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def returncode(self) -> int | None:
        return self.popen.returncode

    async def wait(self) -> None:
        """Wait for its end, whoever still holds its pipes."""
        await self._is_over.wait()

    def kill(self) -> None:
        self.popen.kill()

    def _note_end(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        self.popen.wait()
        self._is_over.set()


def spawn(
    command: Sequence[str], *, stdio: tuple[int, int, int], passed: Sequence[int], folder: Path, mark: str
) -> Process:
    """Start a process in a session of its own; `mark` is in its environment, and in that of all that keep theirs.

    Raises:
        OSError: it could not be started.
    """
    popen = subprocess.Popen(  # noqa: S603  # the command is ours, the user's part of it is only words
        command, stdin=stdio[0], stdout=stdio[1], stderr=stdio[2], pass_fds=passed, cwd=folder,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", MARK: mark}, start_new_session=True,
    )  # fmt: skip
    process = Process(popen)
    descriptor = os.pidfd_open(popen.pid)
    asyncio.get_running_loop().add_reader(descriptor, process._note_end, descriptor)  # noqa: SLF001
    return process
