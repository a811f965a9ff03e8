"""How much a key is used."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class UsageStats:
    """Uses of one key; days are UTC."""

    usage_count: int
    last_used_at: datetime | None
    daily_usage: int
    weekly_usage: int
    top_endpoints: list[tuple[str, int]]
