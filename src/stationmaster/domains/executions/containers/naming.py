"""By what a container, service or network of ours is known."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

INSTALLATION = "stationmaster.installation"
"""The label by which an installation knows its own; another one's are never touched."""
EXECUTION = "stationmaster.execution"
ATTEMPT = "stationmaster.attempt"
ENDS_AT = "stationmaster.ends_at"
"""When its time is up, in seconds since 1970; what nobody knows any more is removed then."""


class AttemptName(NamedTuple):
    """One attempt of one execution."""

    execution_id: UUID
    attempt: int

    def __str__(self) -> str:
        return f"execution-{self.execution_id}-{self.attempt}"

    def labels(self, installation: str, ends_at: datetime) -> dict[str, str]:
        """Return the labels of what belongs to this attempt."""
        return {
            INSTALLATION: installation,
            EXECUTION: str(self.execution_id),
            ATTEMPT: str(self.attempt),
            ENDS_AT: str(int(ends_at.timestamp())),
        }

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Self | None:
        """Read the labels back; None when they are not those of an attempt."""
        try:
            return cls(UUID(labels[EXECUTION]), int(labels[ATTEMPT]))
        except (KeyError, ValueError):
            return None
