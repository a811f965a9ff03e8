"""What is taken out of a run's folder when all its processes have ended.

A run may have left anything: links to the machine's files, pipes, folders without rights, a million names. So nothing is
opened by a path through its folder. A file that is wanted is first *moved* to `collected`, which the run never saw, by the
descriptor of a folder that was opened without following links; what was moved is looked at there. A link that was moved
is a link, and is left out.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from stationmaster.outbound.sandbox.order import Output
from stationmaster.outbound.sandbox.paths import COLLECTED, OUTPUT_FOLDER, WORK

MOST_OUTPUTS = 1000
DEEPEST = 32
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Collection:
    """The declared outputs that were found, and a note for each that was not taken."""

    outputs: list[Output] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Found:
    """A name in a folder of the run; `path` is relative to where the walk began."""

    folder: int
    name: str
    path: str


def take_document(folder: Path, name: str) -> Output | None:
    """Take a file of the working folder; None when there is no plain file of that name."""
    work = os.open(folder / WORK, FOLDER)
    try:
        return _take(_Found(work, name, name), folder / COLLECTED / f"document-{name}")
    finally:
        os.close(work)


def collect(folder: Path, patterns: Sequence[str]) -> Collection:
    """Take the files under the output folder that the patterns name."""
    collection, matched = Collection(), set[str]()
    for found in _walk(folder / WORK / OUTPUT_FOLDER) if patterns else ():
        matching = {pattern for pattern in patterns if fnmatchcase(found.path, pattern)}
        if not matching:
            continue
        if len(collection.outputs) == MOST_OUTPUTS:
            collection.notes.append(f"There are more than {MOST_OUTPUTS} outputs; the others are left out.")
            return collection
        matched |= matching
        output = _take(found, folder / COLLECTED / str(len(collection.outputs))) if found.path.isprintable() else None
        if output:
            collection.outputs.append(output)
        else:
            collection.notes.append(f"The output {found.path!a} is no plain file and is left out.")
    collection.notes += [f"No output is named {pattern}." for pattern in patterns if pattern not in matched]
    return collection


def _take(found: _Found, target: Path) -> Output | None:
    """Move what was found to `target`, and give it if it is a plain file."""
    try:
        os.rename(found.name, target, src_dir_fd=found.folder)
        status = target.lstat()
        if not stat.S_ISREG(status.st_mode):
            return None
        target.chmod(0o600)
    except OSError:
        return None
    return Output(found.path, target, status.st_size)


def _walk(root: Path) -> Iterator[_Found]:
    with suppress(OSError):
        yield from _walk_open(os.open(root, FOLDER), "", 0)


def _walk_open(folder: int, prefix: str, depth: int) -> Iterator[_Found]:
    """Yield all that is no folder, here and below; folders that cannot be opened, or lie too deep, are passed over."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        for name, is_folder in found:
            if not is_folder:
                yield _Found(folder, name, prefix + name)
            elif depth < DEEPEST:
                with suppress(OSError):
                    yield from _walk_open(os.open(name, FOLDER, dir_fd=folder), f"{prefix}{name}/", depth + 1)
    finally:
        os.close(folder)
