"""Zip archives: the list at the end says what there is, and nothing else is looked at."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise

from stationmaster.domains.scripts.archives.members import MOST_MEMBERS, Allowance, Member
from stationmaster.domains.scripts.archives.names import Names, Refused, show

ENTRY = b"PK\x01\x02"
ENCRYPTED = 0x1
UNIX = 3
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


def walk(data: bytes) -> Iterator[Member]:
    """Give the files of a zip archive.

    Raises:
        Refused: it is none, or has something that is not taken.
    """
    # Before the library makes an object of each.
    if data.count(ENTRY) > MOST_MEMBERS * 2:
        raise Refused(f"it has more than {MOST_MEMBERS} members")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from _walk(archive, Allowance(len(data)), Names())
    except _BROKEN as error:
        raise Refused(f"it cannot be read as zip ({type(error).__name__})") from error


def _walk(archive: zipfile.ZipFile, allowance: Allowance, names: Names) -> Iterator[Member]:
    entries = archive.infolist()
    _check_overlap(entries)
    for entry in entries:
        _check_kind(entry)
        allowance.take(entry.filename, entry.file_size)
        if entry.is_dir():
            names.add_folder(entry.filename)
            continue
        name = names.add_file(entry.orig_filename)
        yield Member(name, _read(archive, entry))


def _check_overlap(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse entries that share bytes: a small file can unpack to terabytes that way (Fifield, "A better zip bomb")."""
    for before, after in pairwise(sorted(entries, key=lambda entry: entry.header_offset)):
        if before.header_offset + before.compress_size >= after.header_offset:
            raise Refused(f"{show(before.filename)} and {show(after.filename)} share their bytes")


def _check_kind(entry: zipfile.ZipInfo) -> None:
    mode = entry.external_attr >> 16
    if entry.orig_filename != entry.filename:
        raise Refused(f"{show(entry.orig_filename)} is not written plainly")
    if entry.flag_bits & ENCRYPTED:
        raise Refused(f"{show(entry.filename)} is encrypted")
    if entry.compress_type not in METHODS:
        raise Refused(f"{show(entry.filename)} is packed in an unusual way")
    if entry.is_dir() and entry.file_size:
        raise Refused(f"{show(entry.filename)} is a folder with content")
    if entry.create_system == UNIX and stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise Refused(f"{show(entry.filename)} is neither a plain file nor a folder")
    if mode & 0o7000:
        raise Refused(f"{show(entry.filename)} is marked to run as somebody else")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        # The library stops at the size that the entry claims, and compares the checksum there.
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise Refused(f"{show(entry.filename)} is not as large as it says")
    return content
