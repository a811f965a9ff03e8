"""Tar archives, packed with gzip: a stream that is read once, forward only, and never further than it may unpack to."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO

from stationmaster.domains.scripts.archives.members import Allowance, Member
from stationmaster.domains.scripts.archives.names import Names, Refused, show

HEADROOM_BYTES = 4_000_000
"""Headers and the padding of 2,000 members."""
PIECE_BYTES = 65_536
SPECIAL_BITS = 0o7000

# All that a broken or hostile stream makes the library raise. RecursionError: a chain of long-name headers.
_BROKEN = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError)


def walk(data: bytes) -> Iterator[Member]:
    """Give the files of a tar.gz archive.

    Raises:
        Refused: it is none, or has something that is not taken.
    """
    allowance, names = Allowance(len(data)), Names()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
            stream = _Limited(unpacked, allowance.most_bytes + HEADROOM_BYTES)
            with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="strict") as archive:  # type: ignore[call-overload]  # any object with read() does
                for header in archive:
                    yield from _members(archive, header, allowance, names)
    except _BROKEN as error:
        raise Refused(f"it cannot be read as tar.gz ({type(error).__name__})") from error


def _members(archive: tarfile.TarFile, header: tarfile.TarInfo, allowance: Allowance, names: Names) -> Iterator[Member]:
    _check_kind(header)
    allowance.take(header.name, header.size)
    if header.isdir():
        names.add_folder(header.name)
        return
    name = names.add_file(header.name)
    yield Member(name, _read(archive, header))


def _check_kind(header: tarfile.TarInfo) -> None:
    if not header.isdir() and (header.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or header.issparse()):
        raise Refused(f"{show(header.name)} is neither a plain file nor a folder")
    if header.isdir() and header.size:
        raise Refused(f"{show(header.name)} is a folder with content")
    if header.mode & SPECIAL_BITS:
        raise Refused(f"{show(header.name)} is marked to run as somebody else")
    if header.linkname:
        raise Refused(f"{show(header.name)} names another file")


def _read(archive: tarfile.TarFile, header: tarfile.TarInfo) -> bytes:
    file: IO[bytes] | None = archive.extractfile(header)
    assert file is not None, "only plain files come here"
    content = file.read()
    if len(content) != header.size:
        raise Refused(f"{show(header.name)} ends before its time")
    return content


class _Limited:
    """A stream that gives no more than so many bytes, in pieces."""

    def __init__(self, stream: gzip.GzipFile, most_bytes: int) -> None:
        self._stream = stream
        self._left = most_bytes

    def read(self, size: int) -> bytes:
        piece = self._stream.read(min(size, PIECE_BYTES))
        self._left -= len(piece)
        if self._left < 0:
            raise Refused("it unpacks to far more than it says")
        return piece
