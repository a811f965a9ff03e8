"""Keys that sort by the time they were made."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562): unique everywhere, increasing within a process."""
    return uuid7()
