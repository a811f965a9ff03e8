"""The one way into an archive."""

from collections.abc import Iterator
from enum import StrEnum

from stationmaster.domains.scripts.archives import tar, zipped
from stationmaster.domains.scripts.archives.members import Member
from stationmaster.domains.scripts.archives.names import Refused

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"


class Format(StrEnum):
    """How an archive is packed; the value is the ending of its name."""

    TAR = "tar.gz"
    ZIP = "zip"


def format_of(data: bytes) -> Format:
    """Tell the format from the first bytes, whatever the file was called.

    Raises:
        Refused: it is neither.
    """
    if data.startswith(GZIP):
        return Format.TAR
    if data.startswith(ZIP):
        return Format.ZIP
    raise Refused("it is neither a .tar.gz nor a .zip")


def walk(data: bytes) -> Iterator[Member]:
    """Give the files of an archive, one after the other.

    Raises:
        Refused: it has something that is not taken; what came before it is not to be used either.
    """
    yield from tar.walk(data) if format_of(data) is Format.TAR else zipped.walk(data)


def read_all(data: bytes) -> dict[str, bytes]:
    """Return the content of every file, by its name.

    Raises:
        Refused: see `walk`.
    """
    return {member.name: member.content for member in walk(data)}
