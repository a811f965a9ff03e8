"""The escape suite: every attempt that `attempts` lists, and those that need somebody to look from outside."""

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from stationmaster.outbound.sandbox.order import MIB, Cause
from stationmaster.outbound.sandbox.paths import INSIDE, environment_of
from stationmaster.outbound.sandbox.sandbox import Sandbox
from tests.outbound.sandbox.attempts import ATTEMPTS, PRELUDE, READS
from tests.outbound.sandbox.running import LIMITS, python, run, shell

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the attempts know this machine's system calls")


@dataclass(frozen=True)
class Machine:
    """What there is to reach outside."""

    secret_file: Path
    neighbour: Path
    port: int
    abstract: str

    def variables(self) -> Mapping[str, str]:
        return {
            "SECRET_FILE": str(self.secret_file),
            "NEIGHBOUR": str(self.neighbour),
            "PORT": str(self.port),
            "ABSTRACT": self.abstract,
            "SERVICE": str(os.getpid()),
        }


@pytest.fixture(scope="module")
async def machine(folder: Path, sandbox: Sandbox, plain_sandbox: Sandbox) -> AsyncIterator[Machine]:
    """Put up what an attempt may reach: files with open rights, and two listeners."""
    secret = folder / "secret.key"
    secret.write_text("the service's key")
    secret.chmod(0o644)
    neighbour = plain_sandbox.room.folder / "neighbour"
    neighbour.mkdir()
    abstract = f"stationmaster-{uuid4()}"

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    tcp = await asyncio.start_server(answer, "127.0.0.1", 0)
    unix = await asyncio.start_unix_server(answer, f"\0{abstract}")
    async with tcp, unix:
        yield Machine(secret, neighbour, tcp.sockets[0].getsockname()[1], abstract)


async def attempt(sandbox: Sandbox, machine: Machine, code: str) -> str:
    order = python(PRELUDE, code, environment=machine.variables())
    declared = environment_of(order, INSIDE)
    shown = {**machine.variables(), "DECLARED": " ".join([*declared, "DECLARED", "PWD"])}
    ended = await run(sandbox, replace(order, environment=shown))
    return ended.text + ended.notebook.complaint


def test_the_suite_is_large_enough() -> None:
    assert len(ATTEMPTS) >= 60


@pytest.mark.parametrize("what", ATTEMPTS)
async def test_the_attempt_is_held(sandbox: Sandbox, machine: Machine, what: str) -> None:
    said = await attempt(sandbox, machine, ATTEMPTS[what])

    assert "HELD" in said, said
    assert "ESCAPED" not in said, said


@pytest.mark.parametrize("what", [each for each in READS if each != "the environment of the service"])
async def test_the_attempt_would_work_without_a_wall(plain_sandbox: Sandbox, machine: Machine, what: str) -> None:
    """Otherwise an attempt that is merely wrong would look like one that is held."""
    said = await attempt(plain_sandbox, machine, ATTEMPTS[what])

    assert "ESCAPED" in said, said


async def test_calls_of_another_architecture_end_the_process(sandbox: Sandbox) -> None:
    code = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")  # mov eax, 20 (getpid of i386); int 0x80; ret
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
print("ESCAPED", ctypes.CFUNCTYPE(ctypes.c_int)(address)())
"""
    ended = await run(sandbox, python(code))

    assert (Cause.SIGNALLED, "It was ended by SIGSYS.", "") == (ended.end.cause, ended.end.text, ended.text)


async def test_a_fork_bomb_harms_itself_only(sandbox: Sandbox) -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
    limits = replace(LIMITS, wall_seconds=3)
    bombing = asyncio.create_task(run(sandbox, python(bomb, name="bomb-1", limits=limits)))
    neighbours = [await run(sandbox, shell("echo $(echo well)", name=f"well-{number}")) for number in range(3)]
    most = len(processes_of(sandbox))
    ended = await bombing

    assert ["well\n"] * 3 == [neighbour.text for neighbour in neighbours]
    assert ended.end.cause in {Cause.TIMEOUT, Cause.CPU}
    assert (True, []) == (most <= LIMITS.processes + 10, processes_of(sandbox))


async def test_nothing_outlives_a_run_however_it_detaches(sandbox: Sandbox) -> None:
    code = """
import os, signal, time
for step in (os.setsid, lambda: None):
    if os.fork():
        time.sleep(0.2)
        print("gone")
        os._exit(0)
    step()
for number in range(1, 32):
    try: signal.signal(number, signal.SIG_IGN)
    except OSError: pass
time.sleep(1000)
"""
    ended = await run(sandbox, python(code))

    assert ("gone\n", True, []) == (ended.text.splitlines()[0] + "\n", ended.end.is_success, processes_of(sandbox))


async def test_the_disk_is_not_filled(sandbox: Sandbox) -> None:
    code = """
import os, sys, time
files = []
for number in range(10_000):
    files.append(open(f"f{number}", "wb", 0))
    files[-1].write(b"x" * 2_000_000)
    os.unlink(f"f{number}") if sys.argv[1] == "nameless" else files.pop().close()
    time.sleep(0.002)  # so many looks before there are too many open files
"""
    for how in ("named", "nameless"):
        limits = replace(LIMITS, disk_bytes=20 * MIB)
        ended = await run(sandbox, python(code, how, limits=limits))

        assert Cause.DISK is ended.end.cause, (how, ended.notebook.complaint)


@pytest.mark.parametrize(
    "leave",
    [
        'ln -s "$SECRET_FILE" "$OUTPUT_DIR/x"',
        'ln "$SECRET_FILE" "$OUTPUT_DIR/x"',
        'rmdir "$OUTPUT_DIR"; ln -s "$(dirname "$SECRET_FILE")" "$OUTPUT_DIR"',
        'ln -s "$(dirname "$SECRET_FILE")" "$OUTPUT_DIR/d"',
        'mkfifo "$OUTPUT_DIR/x"',
        'ln -s /proc/self/environ "$OUTPUT_DIR/x"',
        'ln -s ../../../secret.key "$OUTPUT_DIR/x"',
        'ln -s "$SECRET_FILE" "$RESULT_FILE"',
        'ln -sf "$SECRET_FILE" "$STATE_FILE"',
        'mkdir "$RESULT_FILE"; mkfifo "$STATE_FILE"',
    ],
)
async def test_outputs_lead_nowhere(sandbox: Sandbox, machine: Machine, leave: str) -> None:
    order = shell(f"{leave}; true", environment={"SECRET_FILE": str(machine.secret_file)}, outputs=("*",))
    ended = await run(sandbox, order)

    assert (True, {}, None, None) == (ended.end.is_success, ended.outputs, ended.end.result, ended.end.state)


async def test_a_command_line_shows_no_secret(sandbox: Sandbox) -> None:
    """Everybody on the machine can read command lines; the environment of another user's process, nobody but root."""
    order = shell("sleep 30", environment={"TOKEN": "the-token-itself"}, params={"a": "the-token-itself"})
    task = asyncio.create_task(run(sandbox, order))
    while not any(each.name() == "sleep" for each in processes_of(sandbox)):
        await asyncio.sleep(0.02)
    lines = [" ".join(each.cmdline()) for each in processes_of(sandbox)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (True, []) == (len(lines) >= 4, [line for line in lines if "the-token-itself" in line])


def processes_of(sandbox: Sandbox) -> list[psutil.Process]:
    """List what runs below this process, but for the Docker engine of other tests."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if not child.name().startswith(("dockerd", "containerd", "runc"))]
