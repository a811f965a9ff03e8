"""The process's own clock.

Deadlines inside one process are counted on the monotonic clock; whatever replicas must agree on (what is due, who leads,
which lease has run out) is decided on the database's clock instead, see `stationmaster.db.clock`.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Return this machine's present instant in UTC."""
    return datetime.now(UTC)


def now_ms() -> int:
    """Return this machine's present instant in whole milliseconds since 1970."""
    return int(now().timestamp() * 1000)
