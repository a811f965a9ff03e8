"""Keys that sort by the time they were made."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562): unique everywhere, increasing within a process."""
    return uuid7()


def first_id_at(instant: datetime) -> UUID:
    """Return the lowest key that can have been made at an instant (RFC 9562, section 5.7: its first 48 bits are the time)."""
    return UUID(int=max(0, int(instant.timestamp() * 1000)) << 80)
