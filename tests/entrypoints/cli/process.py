"""The command line as a real process: started, read, asked over HTTP, signalled, and never left behind."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

EMAIL, PASSWORD = "ada@example.com", "seven silent semaphores"
PATIENCE_SECONDS = 50
HALF_A_REQUEST = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
)
ACCOUNT = {"STATIONMASTER_BOOTSTRAP_EMAIL": EMAIL, "STATIONMASTER_BOOTSTRAP_PASSWORD": PASSWORD}


@dataclass
class Running:
    """A process of the service. What it writes, results and log, is in the file `output`."""

    process: asyncio.subprocess.Process
    port: int
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def says(self, *words: str) -> None:
        """Wait until the output holds all these words."""

        async def has_said() -> bool:
            assert self.process.returncode is None, self.text
            return all(word in self.text for word in words)

        await eventually(has_said)

    async def ready(self) -> None:
        """Wait until it answers that it is ready."""
        async with httpx.AsyncClient() as client:

            async def is_ready() -> bool:
                assert self.process.returncode is None, self.text
                try:
                    return (await client.get(self.url("/health/ready"))).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(is_ready)

    async def end(self, *signals: signal.Signals) -> tuple[int, float]:
        """Send signals, one shortly after the other; return the exit code and the seconds until the end."""
        for index, number in enumerate(signals):
            await asyncio.sleep(0.3 if index else 0)
            self.process.send_signal(number)
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait(), time.monotonic() - began

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Give a client of the API that is signed in."""
        async with httpx.AsyncClient(base_url=self.url("/api/v1")) as client:
            answer = await client.post("/auth/login", json={"email": EMAIL, "password": PASSWORD})
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():
            await asyncio.sleep(0.05)


def free_port() -> int:
    """Return a port that is free, and whose neighbour is likely to be."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def started(
    folder: Path, command: str, variables: Mapping[str, str] | None = None, *, has_account: bool = True
) -> AsyncIterator[Running]:
    """Run a command of `stationmaster` on a free port, with these settings; kill it at the end if it still runs."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STATIONMASTER_")}
    environment |= {"STATIONMASTER_DATA_DIR": str(folder)} | (ACCOUNT if has_account else {}) | dict(variables or {})
    output = folder / "output.txt"
    with output.open("ab") as file:
        call = (sys.executable, "-m", "stationmaster", command, "--port", str(port))
        with all_signals_heard():
            process = await asyncio.create_subprocess_exec(*call, env=environment, cwd=folder, stdout=file, stderr=file)
    try:
        yield Running(process, port, output)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextmanager
def all_signals_heard() -> Iterator[None]:
    """Let what is started meanwhile hear SIGINT: a script's background, where the tests may run, ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@asynccontextmanager
async def half_a_request(service: Running) -> AsyncIterator[None]:
    """Begin a request and never finish it, so that its connection stays busy."""
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(HALF_A_REQUEST)
    await writer.drain()
    async with service.client() as client:  # so that the request before has surely begun
        assert (await client.get("/auth/me")).status_code == 200
    try:
        yield
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def run_job(client: httpx.AsyncClient, url: str, **fields: Any) -> str:
    """Create a job without a schedule, run it, and return the execution's id once it is running."""
    body = {"name": f"job of {url}", "target": {"type": "webhook", "url": url}} | fields
    job = (await client.post("/jobs", json=body)).raise_for_status().json()
    id_: str = (await client.post(f"/jobs/{job['id']}/execute", json={})).raise_for_status().json()["id"]

    async def is_running() -> bool:
        return await state_of(client, id_) == "running"

    await eventually(is_running)
    return id_


async def state_of(client: httpx.AsyncClient, id_: str) -> str:
    """Return the present state of an execution."""
    state: str = (await client.get(f"/executions/{id_}")).raise_for_status().json()["state"]
    return state
