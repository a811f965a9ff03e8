"""Short ways to run something in a sandbox, and a notebook for what it says."""

from dataclasses import dataclass, field
from typing import Any

from stationmaster.outbound.sandbox.order import MIB, Limits, Output, SandboxEnd, SandboxOrder, Stream
from stationmaster.outbound.sandbox.sandbox import Sandbox

PYTHON = "/usr/bin/python3"
LIMITS = Limits(wall_seconds=30, cpu_seconds=20, memory_bytes=256 * MIB, processes=32, disk_bytes=100 * MIB)


@dataclass
class Notebook:
    """Keeps what a run wrote."""

    written: dict[Stream, bytes] = field(default_factory=lambda: {"stdout": b"", "stderr": b""})

    async def write(self, stream: Stream, data: bytes) -> None:
        self.written[stream] += data

    @property
    def text(self) -> str:
        return self.written["stdout"].decode()

    @property
    def complaint(self) -> str:
        return self.written["stderr"].decode()


@dataclass
class Ended:
    """A run that is over, with the contents of its outputs."""

    end: SandboxEnd
    notebook: Notebook
    outputs: dict[str, bytes]

    @property
    def text(self) -> str:
        return self.notebook.text


def python(code: str, *arguments: str, name: str = "trial-1", **facts: Any) -> SandboxOrder:
    """Order a Python program."""
    given: dict[str, Any] = {"limits": LIMITS, "script": {"main.py": code.encode()}} | facts
    return SandboxOrder(name=name, command=(PYTHON, "../script/main.py", *arguments), **given)


def shell(code: str, *, name: str = "trial-1", **facts: Any) -> SandboxOrder:
    """Order a shell script."""
    return SandboxOrder(name=name, command=("/bin/sh", "-c", code), **({"limits": LIMITS} | facts))


async def run(sandbox: Sandbox, order: SandboxOrder) -> Ended:
    notebook = Notebook()
    async with sandbox.run(order, notebook) as end:
        return Ended(end, notebook, {output.name: _read(output) for output in end.outputs})


def _read(output: Output) -> bytes:
    return output.path.read_bytes()
