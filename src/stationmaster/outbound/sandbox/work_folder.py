"""The folder of a run, and the room in which one process of the service keeps them.

    DATA_DIR/sandbox/<replica>/            locked while its replica lives
    └─ execution-<id>-<attempt>/
       ├─ work/       the run's own: working folder, params.json, state.json, result.json, output/
       ├─ script/     read-only to the run
       ├─ input/      read-only to the run
       ├─ passwd, group
       └─ collected/  never shown to the run

What comes out is the business of `collection`.
"""

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stationmaster.kit.ids import new_id
from stationmaster.outbound.sandbox.collection import FOLDER
from stationmaster.outbound.sandbox.meter import processes_with
from stationmaster.outbound.sandbox.order import SandboxOrder
from stationmaster.outbound.sandbox.paths import COLLECTED, INPUT, OUTPUT_FOLDER, SCRIPT, WORK

_ACCOUNTS = {"passwd": "sandbox:x:65534:65534::/work:/bin/sh\n", "group": "sandbox:x:65534:\n"}


@dataclass(frozen=True, slots=True)
class WorkRoom:
    """The folder in which this process has its runs' folders."""

    folder: Path

    def make(self, order: SandboxOrder, documents: Mapping[str, bytes], *, owner: int | None) -> Path:
        """Make the folder of a run, with `documents` in its working folder; `owner` is the user id it belongs to."""
        folder = self.folder / order.name
        remove(folder)
        _make_folder(folder, 0o711)
        for name in (WORK, f"{WORK}/{OUTPUT_FOLDER}", SCRIPT, INPUT):
            _make_folder(folder / name)
        _make_folder(folder / COLLECTED, 0o700)
        for name, text in _ACCOUNTS.items():
            _place(folder / name, text.encode())
        for place, files in ((SCRIPT, order.script), (INPUT, order.input)):
            for name, content in files.items():
                _place(folder / place / name, content)
        for name, document in documents.items():
            (folder / WORK / name).write_bytes(document)
        if owner is not None:
            for path in (folder / WORK, *(folder / WORK).iterdir()):
                os.chown(path, owner, owner)
        return folder


@contextmanager
def open_room(parent: Path) -> Iterator[WorkRoom]:
    """Give a room for as long as the context lasts, and clear away those of processes that are no more."""
    parent.mkdir(parents=True, exist_ok=True)
    parent.chmod(0o711)
    folder = parent / str(new_id())
    _make_folder(folder, 0o711)
    with _locked(folder):
        clear_abandoned(parent)
        try:
            yield WorkRoom(folder)
        finally:
            remove(folder)


def clear_abandoned(parent: Path) -> int:
    """Remove the rooms whose process has gone, and end what is left of their runs; return how many there were.

    Behind a wall that is at most a bubblewrap that had not begun; plain processes may have detached themselves.
    """
    removed = 0
    for folder in [*parent.iterdir()]:
        with suppress(BlockingIOError, FileNotFoundError, NotADirectoryError), _locked(folder):
            for pid in processes_with(f"{folder.name}/"):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            remove(folder)
            removed += 1
    return removed


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, FOLDER)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _make_folder(path: Path, mode: int = 0o755) -> None:
    """Make a folder with exactly these rights: runs may be of another user, whatever the service's own umask."""
    path.mkdir()
    path.chmod(mode)


def _place(path: Path, content: bytes | Path) -> None:
    for above in (each for each in reversed(path.parents) if not each.exists()):
        _make_folder(above)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        shutil.copyfile(content, path)
    path.chmod(0o555)


def remove(folder: Path) -> None:
    """Remove a folder and all that is in it, however a run left it; links are removed, never followed."""
    with suppress(RecursionError, OSError):
        shutil.rmtree(folder)
    if folder.is_dir():  # folders without rights, or a thousand one in the other: rm(1) copes with any depth
        for command in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
            subprocess.run([*command, "--", str(folder)], check=False, capture_output=True)  # noqa: S603
