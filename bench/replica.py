"""The service as a real process: `stationmaster serve`, started, watched, stopped, frozen and killed."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiohttp
import psutil

COMMAND = str(Path(sys.executable).with_name("stationmaster"))
SECRET_KEY = "a secret key of the bench, long enough"
EMAIL, PASSWORD = "bench@example.com", "a long password of the bench"
READY_SECONDS = 180
"""A start takes about five seconds of processor time, of which a busy machine may have little to spare."""


class Launched(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...


Launch = Callable[[Sequence[str], Mapping[str, str], Path], Awaitable[Launched]]
"""Starts `stationmaster` with these arguments and environment, and appends what it writes to a file."""


async def execute(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Launched:
    """Start it as everybody does."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(COMMAND, *arguments, env=environment, stdout=output, stderr=output)


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Replica:
    """One process of the service; it can be started again after its end, with the same settings and port."""

    settings: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    launch: Launch = execute
    process: Launched | None = None
    started: float = 0.0
    ready_after: float = 0.0
    """Seconds from the last start to readiness."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start the process; it is not ready yet."""
        self.started = time.monotonic()
        arguments = ("serve", "--host", "127.0.0.1", "--port", str(self.port))
        self.process = await self.launch(arguments, environment_of(self.settings), self.log)

    async def ready(self) -> float:
        """Wait until the replica says that it is ready; return the seconds since its start."""
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as client:
            while not await _is_ready(client, self.base):
                assert self.is_running, f"the service ended by itself; see {self.log}"
                await asyncio.sleep(0.01)
        self.ready_after = time.monotonic() - self.started
        return self.ready_after

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process, and no other."""
        if self.is_running:
            os.kill(self.pid, number)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """End the process by a signal; return the seconds that took."""
        began = time.monotonic()
        self.send(number)
        await self.ended()
        return time.monotonic() - began

    async def ended(self) -> None:
        """Wait until the process has ended."""
        assert self.process is not None
        await self.process.wait()

    def rss_mb(self) -> float:
        """Return the memory in use, in megabytes of 2**20 bytes."""
        rss: int = psutil.Process(self.pid).memory_info().rss
        return rss / 2**20

    def private_mb(self) -> float:
        """Return the memory that would be free if the process ended: without files and libraries shared with others."""
        private: int = psutil.Process(self.pid).memory_full_info().uss
        return private / 2**20

    def cpu_seconds(self) -> float:
        """Return the processor time used so far."""
        times = psutil.Process(self.pid).cpu_times()
        used: float = times.user + times.system
        return used


async def _is_ready(client: aiohttp.ClientSession, base: str) -> bool:
    try:
        async with client.get(f"{base}/health/ready") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def running_replica(
    settings: Mapping[str, str], log: Path, *, launch: Launch = execute
) -> AsyncIterator[Replica]:
    """Run the service for as long as the context lasts, ready from the start."""
    replica = Replica(settings, log, launch=launch)
    await replica.start()
    try:
        await replica.ready()
        yield replica
    finally:
        await replica.stop(signal.SIGKILL if sys.exception() else signal.SIGTERM)


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of the service: these settings, and none of this process's own."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("STATIONMASTER_")}
    return others | {f"STATIONMASTER_{name}": value for name, value in settings.items()}


def settings_for(url: str, folder: Path, **more: str) -> dict[str, str]:
    """Return the settings of a replica: all defaults, but for what a bench must set."""
    return {
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "SECRET_KEY": SECRET_KEY,
        "OUTBOUND_ALLOW": "127.0.0.0/8",
        "BOOTSTRAP_EMAIL": EMAIL,
        "BOOTSTRAP_PASSWORD": PASSWORD,
        "LOG_FORMAT": "json",
    } | more
