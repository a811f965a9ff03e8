"""What the processes of a run use together, read from /proc.

Linux counts limits of a process for that process alone, so twenty processes may use twenty times as much. A control group
counts them together and exactly; where there is none, this does it by looking often. Memory that no process has mapped
(an anonymous file) and disk space that no name leads to (a deleted file) are found by their descriptors.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARK = "STATIONMASTER_RUN"
"""A variable of the processes of runs, by which those are found that detached themselves or were left behind."""
DEEPEST = 100
_TICKS = os.sysconf("SC_CLK_TCK")
_RESIDENT = ("RssAnon:", "RssShmem:")
_PROPORTIONAL = ("Pss_Anon:", "Pss_Shmem:")


def processes_under(pid: int) -> list[int]:
    """Return a process and all below it that are there."""
    found, todo = list[int](), [pid]
    while todo:
        found.append(todo.pop())
        for task in _list(PROC / str(found[-1]) / "task"):
            with suppress(OSError):
                todo += map(int, (PROC / str(found[-1]) / "task" / task / "children").read_text().split())
    return found


def processes_with(mark: str) -> list[int]:
    """Return the processes of this machine whose mark begins so; those of other users are seen by root only."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if any(each.startswith(wanted) for each in (folder / "environ").read_bytes().split(b"\0")):
                    found.append(int(folder.name))
    return found


def name_of(pid: int) -> str:
    """Return the name of a process's program; empty when it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text().rstrip("\n")
    except OSError:
        return ""


def cpu_seconds(pids: list[int]) -> float:
    """Return the processor time of processes, and of those children of theirs that have ended (proc(5), stat)."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def memory_bytes(pids: list[int], *, limit: int) -> int:
    """Return the memory of processes; what they share counts once, which is looked up when it matters only."""
    resident = sum(_sum_kilobytes(pid, "status", _RESIDENT) for pid in pids)
    if resident <= limit:
        return resident
    shared_out = sum(_sum_kilobytes(pid, "smaps_rollup", _PROPORTIONAL) for pid in pids)
    return shared_out or resident


def _sum_kilobytes(pid: int, file: str, names: tuple[str, ...]) -> int:
    try:
        lines = (PROC / str(pid) / file).read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))


@dataclass(frozen=True, slots=True)
class Nameless:
    """Files that are open and have no name any more, or never had one."""

    disk_bytes: int
    memory_bytes: int


def nameless_files(pids: list[int], *, device: int) -> Nameless:
    """Return the size of nameless files of processes: on `device`, and in memory."""
    sizes: dict[tuple[int, int], int] = {}
    for pid in pids:
        for status in _open_files(pid):
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                sizes[status.st_dev, status.st_ino] = status.st_blocks * 512
    on_disk = sum(size for (where, _), size in sizes.items() if where == device)
    return Nameless(on_disk, sum(sizes.values()) - on_disk)


def _open_files(pid: int) -> Iterator[os.stat_result]:
    folder = PROC / str(pid) / "fd"
    for name in _list(folder):
        with suppress(OSError):
            yield (folder / name).stat()


@dataclass(frozen=True, slots=True)
class Contents:
    """How much is in a folder. `is_too_deep` says that not all of it could be seen."""

    size_bytes: int
    count: int
    largest_bytes: int
    is_too_deep: bool


def contents_of(folder: Path, *, most: int) -> Contents:
    """Measure a folder; stops when there are more than `most` names. Links are not followed."""
    size = count = largest = 0
    todo = [(str(folder), 0)]
    while todo and count <= most:
        path, depth = todo.pop()
        if depth > DEEPEST:
            return Contents(size, count, largest, is_too_deep=True)
        with suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                count += 1
                status = entry.stat(follow_symlinks=False)
                size += status.st_blocks * 512
                largest = max(largest, status.st_size if entry.is_file(follow_symlinks=False) else 0)
                if entry.is_dir(follow_symlinks=False):
                    todo.append((entry.path, depth + 1))
    return Contents(size, count, largest, is_too_deep=False)


def _list(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # names are enough, and this is called often
    except OSError:
        return []
