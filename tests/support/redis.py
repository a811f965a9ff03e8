"""A Redis server for the tests, where Debian's `redis-server` is installed (CI installs it)."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

NEEDS_REDIS = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="there is no redis-server here: apt-get install redis-server"
)


@dataclass
class RedisServer:
    """A server on a Unix socket that can be frozen and killed."""

    path: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis+unix://{self.path}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.path), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b"eady to accept connections" in line:
                return
        raise AssertionError("redis-server ended")

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, if that was not done yet."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@contextmanager
def open_redis(folder: Path) -> Iterator[RedisServer]:
    """Run a server as long as the context lasts."""
    server = RedisServer(folder / "redis.socket")
    server.start()
    try:
        yield server
    finally:
        server.kill()
