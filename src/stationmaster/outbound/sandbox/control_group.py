"""Limits by a control group of Linux (cgroup v2), in a folder that was handed over to the service.

The kernel then counts memory, processes and processor time of a run together, and exactly. Of the controllers only those
are used that the folder hands on to its children (`cgroup.subtree_control`); the service switches on what it may.
See the kernel's "Control Group v2", sections 2.4 (domains) and 4.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stationmaster.outbound.sandbox.meter import processes_under
from stationmaster.outbound.sandbox.order import Limits

CONTROLLERS = ("memory", "pids", "cpu")
PERIOD_MICROSECONDS = 100_000
EMPTY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The group of one run."""

    folder: Path
    controllers: frozenset[str]

    def adopt(self, pid: int) -> None:
        """Take a process and its children in: the process first, so that a child it makes meanwhile is born inside."""
        for each in (pid, *processes_under(pid)):
            with suppress(ProcessLookupError):
                (self.folder / "cgroup.procs").write_text(str(each))

    def limit(self, limits: Limits) -> None:
        """Set what the controllers can limit."""
        values = {
            "memory.max": limits.memory_bytes,
            "memory.swap.max": 0,
            "memory.oom.group": 1,
            "pids.max": limits.processes,
        }
        if limits.cpus is not None:
            values["cpu.max"] = int(limits.cpus * PERIOD_MICROSECONDS)
        for name, value in values.items():
            if name.partition(".")[0] in self.controllers and (self.folder / name).exists():
                (self.folder / name).write_text(str(value))

    def kill(self) -> None:
        """End every process in the group at once."""
        with suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1")

    @property
    def has_run_out_of_memory(self) -> bool:
        """Whether the kernel ended a process because the group's memory was used up."""
        with suppress(OSError):
            events = dict(line.split() for line in (self.folder / "memory.events").read_text().splitlines())
            return int(events.get("oom_kill", 0)) > 0
        return False

    async def remove(self) -> None:
        """Remove the group once its processes are gone; a group cannot go before."""
        self.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(EMPTY_SECONDS):
                while self.folder.exists():
                    with suppress(OSError):
                        self.folder.rmdir()
                    await asyncio.sleep(0.01)


def make_group(parent: Path, name: str, limits: Limits) -> ControlGroup:
    """Make the group of a run.

    Raises:
        OSError: the folder was not handed over to this user.
    """
    for controller in CONTROLLERS:
        with suppress(OSError):
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")
    folder = parent / name
    folder.mkdir(exist_ok=True)
    group = ControlGroup(folder, frozenset((folder / "cgroup.controllers").read_text().split()))
    group.limit(limits)
    return group
