"""Keeps the service ready to run: a process that has loaded it, and forks a replica whenever one is asked for.

Loading takes seconds of processor time each; a test that starts the service again and again would spend them again and
again. What is forked is a process like any other: it can be killed, and nothing of it is left then.

    with open_stable() as stable:
        replica = Replica(settings, log, launch=stable.launch)
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.source import ROOT


@dataclass
class Forked:
    """A replica that is no child of ours."""

    pid: int
    descriptor: int
    returncode: int | None = None
    """0 once it has ended, however."""

    async def wait(self) -> int:
        """Wait until it has ended."""
        if self.returncode is None:
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_reader(self.descriptor, ended.set)
            await ended.wait()
            loop.remove_reader(self.descriptor)
            os.close(self.descriptor)
            self.returncode = 0
        return self.returncode


@dataclass
class Stable:
    """The process that forks."""

    process: subprocess.Popen[str]

    async def launch(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
        """Run `stationmaster` with these arguments in a process of its own."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = json.dumps([list(arguments), dict(environment), str(log)])
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        pid = int(await asyncio.to_thread(self.process.stdout.readline))
        return Forked(pid, os.pidfd_open(pid))


@contextmanager
def open_stable() -> Iterator[Stable]:
    """Load the service; what was forked is ended by whoever asked for it."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Stable(process)
        assert process.stdin is not None
        process.stdin.close()


def _take_orders() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is gone at once
    for order in sys.stdin:
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
        else:
            _become_service(*json.loads(order))


def _become_service(arguments: list[str], environment: dict[str, str], log: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    cli.app(arguments, prog_name="stationmaster")


if __name__ == "__main__":
    from stationmaster import app  # noqa: F401  # what `serve` looks up by name
    from stationmaster.entrypoints import cli

    _take_orders()
