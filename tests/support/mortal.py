"""A replica in a process of its own that can be told when to die, to the instruction.

    with open_mortal(settings) as mortal:
        await mortal.post(path, die="before_commit")     # the connection breaks, the process is gone
        mortal.start()                                   # another on the same database and address

It dies by SIGKILL, so nothing of it can tidy up: `before_commit` right before the COMMIT of the request's transaction,
`before_answer` between the commit and the first byte of the answer.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from sqlalchemy import Connection, Engine, event
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stationmaster.app import create_app
from stationmaster.config import Settings
from tests.support.source import ROOT

DIE = b"x-test-die"


@dataclass
class Mortal:
    """The process, and the socket that it listens on: ours, so that callers can wait in it while nobody is there."""

    listener: socket.socket
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def start(self) -> None:
        """Start the process; calls wait until it answers."""
        number = self.listener.fileno()
        command = [sys.executable, "-m", __name__, str(number)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, pass_fds=[number])

    def is_dead(self) -> bool:
        """Say whether it was killed; waits for the end of a process that is about to be."""
        assert self.process is not None
        return self.process.wait(10) == -signal.SIGKILL

    def kill(self) -> None:
        """Kill the process by SIGKILL, at whatever it is."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def open_mortal(settings: Settings, **more: str) -> Iterator[Mortal]:
    """Start a replica with these settings, and `more` without their prefix; kill what is left of it at the end."""
    assert settings.secret_key is not None
    environment = {
        **{name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "STATIONMASTER_DATABASE_URL": settings.resolved_database_url,
        "STATIONMASTER_DATA_DIR": str(settings.data_dir),
        "STATIONMASTER_SECRET_KEY": settings.secret_key.get_secret_value(),
        "STATIONMASTER_SCHEDULER_ENABLED": "false",
        "STATIONMASTER_RUNNER__ENABLED": "false",
        "STATIONMASTER_LOG_LEVEL": "ERROR",
        **{f"STATIONMASTER_{name}": value for name, value in more.items()},
    }
    with socket.create_server(("127.0.0.1", 0)) as listener:
        mortal = Mortal(listener, environment)
        mortal.start()
        try:
            yield mortal
        finally:
            mortal.stop()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Fate:
    """Kills the process at the instant that a request names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.instant = ""
        event.listen(Engine, "commit", self._commit)

    def _commit(self, _connection: Connection) -> None:
        if self.instant == "before_commit":
            _die()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.instant = dict(scope.get("headers", ())).get(DIE, b"").decode()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and self.instant == "before_answer":
                _die()
            await send(message)

        await self.app(scope, receive, watched)


def _serve(number: int) -> None:
    app = create_app(Settings(_env_file=None))
    server = uvicorn.Server(uvicorn.Config(_Fate(app), log_config=None, access_log=False, lifespan="on"))
    server.run(sockets=[socket.socket(fileno=number)])


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
