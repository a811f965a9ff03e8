"""A Docker engine of the tests' own, where Debian's `docker.io` and `busybox-static` are installed and we are root.

It runs in a network namespace of its own, so that it cannot meddle with another engine of this machine, and can be killed
like a real one. Nothing can be pulled: its one image is made of busybox.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

BUSYBOX = Path("/bin/busybox")
IMAGE = "busybox:test"
START_SECONDS = 30
PROGRAMS = ("dockerd", "docker", "setpriv", "unshare")

NEEDS_DOCKER = pytest.mark.skipif(
    os.geteuid() != 0 or not BUSYBOX.exists() or any(shutil.which(name) is None for name in PROGRAMS),
    reason="needs root and an engine of its own: apt-get install docker.io busybox-static",
)


@dataclass
class DockerServer:
    """An engine that can be killed and started again."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        options = {
            "host": self.url,
            "data-root": self.folder / "data",
            "exec-root": self.folder / "exec",
            "pidfile": self.folder / "docker.pid",
            "log-level": "warn",
        }
        # Where nobody reaps orphans, the killed one's containerd still looks alive to the next.
        (self.folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)
        command = ["dockerd", *(f"--{name}={value}" for name, value in options.items())]
        up = f'{BUSYBOX} ip link set lo up && exec "$@"'
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                # It ends with the tests, also when these are killed.
                ["setpriv", "--pdeathsig=TERM", "unshare", "--net", "sh", "-c", up, "sh", *command],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.call("version", check=False).returncode:
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text()[-3000:])
            time.sleep(0.1)

    def call(
        self, *arguments: str, check: bool = True, data: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the command line client."""
        environment = {
            "PATH": os.environ["PATH"],
            "DOCKER_HOST": self.url,
            "DOCKER_BUILDKIT": "0",
            "HOME": str(self.folder),
        }
        done = subprocess.run(
            ["docker", *arguments], check=False, input=data, capture_output=True, env=environment, timeout=60
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    def names(self) -> set[str]:
        """Return the names of all containers, running or not."""
        return set(self.call("ps", "--all", "--format", "{{.Names}}").stdout.decode().split())

    def clear(self) -> None:
        """Remove all containers and services."""
        for service in self.call("service", "ls", "--quiet", check=False).stdout.decode().split():
            self.call("service", "rm", service, check=False)
        for container in self.call("ps", "--all", "--quiet").stdout.decode().split():
            self.call("rm", "--force", "--volumes", container, check=False)

    def kill(self) -> None:
        """Kill the engine; its containers live on until it is started again."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the engine, and what it leaves behind."""
        assert self.process is not None
        if self.process.poll() is None:
            self.clear()
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        _end(self.folder / "exec" / "containerd" / "containerd.pid")

    def make_image(self) -> None:
        """Make the image of busybox alone."""
        with TemporaryDirectory() as folder:
            root = Path(folder)
            for name in ("bin", "tmp", "etc"):
                (root / name).mkdir(mode=0o755)
            (root / "tmp").chmod(0o1777)
            shutil.copy2(BUSYBOX, root / "bin" / "busybox")
            applets = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
            for applet in set(applets) - {"busybox"}:
                (root / "bin" / applet).symlink_to("busybox")
            archive = subprocess.run(["tar", "-C", folder, "-c", "."], check=True, capture_output=True).stdout
        self.call("import", "-", IMAGE, data=archive)

    def digest(self) -> str:
        """Return the image's id."""
        return self.call("image", "inspect", "--format", "{{.Id}}", IMAGE).stdout.decode().strip()


@contextmanager
def open_docker_server() -> Iterator[DockerServer]:
    """Run an engine as long as the context lasts. Its folder's path is short: sockets allow no more than 108 bytes."""
    with TemporaryDirectory(prefix="dk-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        server = DockerServer(Path(folder))
        server.start()
        try:
            server.make_image()
            yield server
        finally:
            server.stop()
            _unmount(folder)


async def until(condition: object, *, seconds: float = 30) -> None:
    """Wait until a function returns something true."""
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.05)


def _end(pid_file: Path) -> None:
    if pid_file.exists():
        try:
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
        except ProcessLookupError:
            return


def _unmount(folder: str) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(folder)), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False)
