"""A service that is killed takes everything with it that it ran, at whatever instant."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from tests.support.source import ROOT

SERVICE = """
import asyncio, sys, uvloop
from pathlib import Path
from stationmaster.outbound.sandbox.opening import open_sandbox
from stationmaster.outbound.sandbox.order import SandboxOrder
from stationmaster.setting_groups import SandboxSettings

class Echo:
    async def write(self, stream, data, /):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

async def main(folder, mark, loop):
    async with open_sandbox(SandboxSettings(mode="require"), Path(folder)) as sandbox:
        await sandbox.protection()
        print("open", flush=True)
        hide = f"(trap '' TERM HUP; setsid sleep {mark}) & (setsid setsid sleep {mark} &) ; echo up; sleep {mark}"
        async with sandbox.run(SandboxOrder(name="x-1", command=("/bin/sh", "-c", hide)), Echo()):
            pass

run = uvloop.run if sys.argv[3] == "uvloop" else asyncio.run
run(main(*sys.argv[1:4]))
"""


def start(folder: Path, mark: str, loop: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SERVICE, str(folder), mark, loop]
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": os.environ["PATH"]}
    service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    assert service.stdout is not None
    assert "open\n" == service.stdout.readline()
    return service


@pytest.fixture
def mark() -> Iterator[str]:
    """Give a time to sleep by which a test's own sleepers are known, and end what is left of them."""
    chosen = f"{1000 + uuid4().int % 10**6}.{uuid4().int % 10**6}"
    yield chosen
    for process in survivors(chosen):
        process.kill()


def survivors(mark: str, *, but: str = "") -> list[psutil.Process]:
    """List what still runs, of the run's processes and of those around it."""
    running = (each for each in psutil.process_iter(["cmdline", "status", "name"]) if each.info["status"] != "zombie")
    return [each for each in running if each.info["name"] != but and mark in " ".join(each.info["cmdline"] or ())]


def gone_within(seconds: float, mark: str, *, but: str = "") -> bool:
    deadline = time.monotonic() + seconds
    while survivors(mark, but=but):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_no_process_survives_a_killed_service(folder: Path, mark: str, loop: str) -> None:
    service = start(folder / f"killed-{loop}", mark, loop)
    assert service.stdout is not None
    assert "up\n" == service.stdout.readline()
    assert 5 <= len(survivors(mark))
    os.kill(service.pid, signal.SIGKILL)
    service.wait()
    service.stdout.close()

    assert gone_within(1, mark), [process.cmdline() for process in survivors(mark)]


def test_no_command_survives_whenever_it_is_killed(folder: Path, mark: str) -> None:
    """While the wall is being built too: from the first moment to the one when all of it stands."""
    for number in range(14):
        service = start(folder / "early", mark, "asyncio")
        assert service.stdout is not None
        time.sleep(number * 0.003)
        os.kill(service.pid, signal.SIGKILL)
        service.wait()
        service.stdout.close()

        assert gone_within(1, mark, but="bwrap"), (number, [process.cmdline() for process in survivors(mark)])

    last = start(folder / "early", mark, "asyncio")
    last.kill()
    last.wait()
    assert last.stdout is not None
    last.stdout.close()
    assert gone_within(1, mark), "the next start ends a bubblewrap that was cut in two"


def test_the_next_start_clears_the_folders_away(folder: Path, mark: str) -> None:
    rooms = folder / "cleared"
    killed = start(rooms, mark, "asyncio")
    assert killed.stdout is not None
    killed.stdout.readline()
    [left] = [*rooms.iterdir()]
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert gone_within(1, mark)
    follower = start(rooms, mark, "asyncio")
    follower.kill()
    follower.wait()
    assert follower.stdout is not None
    follower.stdout.close()

    assert not left.exists()
