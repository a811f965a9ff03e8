"""Small tar files, in and out of a container.

What comes out was written by a stranger: only plain files and folders are looked at, names are taken apart and checked,
nothing is ever unpacked to disk by name, and both the count and the size are limited.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_MEMBERS = 2_000


@dataclass(frozen=True, slots=True)
class Member:
    """A file (with content) or a folder (without) to be put into a container."""

    path: str
    content: bytes | None = None
    owner: int = 0
    mode: int = 0o444


class UnsafeArchive(Exception):
    """What a container gave out is not what it may give out; says why."""


def pack(members: Iterable[Member]) -> bytes:
    """Make a tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member in members:
            info = tarfile.TarInfo(member.path)
            info.uid = info.gid = member.owner
            info.mode = member.mode
            info.type = tarfile.DIRTYPE if member.content is None else tarfile.REGTYPE
            info.size = len(member.content or b"")
            tar.addfile(info, io.BytesIO(member.content or b""))
    return buffer.getvalue()


def unpack(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the plain files of a tar file, by their path below its one top folder.

    Links, devices and pipes are passed over: their target is nothing that the container may give out.

    Raises:
        UnsafeArchive: too many members, a path that leads out of the folder, or no tar file at all.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            for number, info in enumerate(tar):
                if number >= MAX_MEMBERS:
                    raise UnsafeArchive(f"There are more than {MAX_MEMBERS} files.")
                if info.isreg() and not info.issparse():
                    content = tar.extractfile(info)
                    yield _inner_path(info.name), content.read() if content else b""
    except tarfile.TarError as error:
        raise UnsafeArchive("It is no complete tar file.") from error


def _inner_path(name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\0" in name or "\\" in name:
        raise UnsafeArchive(f"The path {name!r} leads out of the folder.")
    return "/".join(parts[1:] or parts)
