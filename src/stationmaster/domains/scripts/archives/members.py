"""What a walk over an archive gives, and how much it may give."""

from dataclasses import dataclass

from stationmaster.domains.scripts.archives.names import Refused, show

MOST_MEMBERS = 2000
MOST_BYTES = 200_000_000
LARGEST_FILE = 100_000_000
MOST_GROWTH = 100
"""So many times its packed size may an archive unpack to; text packs about ten times."""
FREE_BYTES = 2_000_000
"""Small archives may grow more than that, up to this."""


@dataclass(frozen=True)
class Member:
    """A plain file of an archive."""

    name: str
    content: bytes


class Allowance:
    """What is left of what one archive may give; asked before anything is unpacked."""

    def __init__(self, packed_bytes: int) -> None:
        self.most_bytes = min(MOST_BYTES, max(FREE_BYTES, packed_bytes * MOST_GROWTH))
        self._members = 0
        self._bytes = 0

    def take(self, name: str, size_bytes: int) -> None:
        """Count a member.

        Raises:
            Refused: it is one too many, or too large.
        """
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise Refused(f"it has more than {MOST_MEMBERS} members")
        if not 0 <= size_bytes <= LARGEST_FILE:
            raise Refused(f"{show(name)} is larger than {LARGEST_FILE:,} bytes")
        self._bytes += size_bytes
        if self._bytes > self.most_bytes:
            raise Refused(f"it unpacks to more than {self.most_bytes:,} bytes")
