"""What a mover returns."""

from dataclasses import dataclass, field
from typing import Any


class CannotMove(ValueError):
    """The text is not what it should be; says why for people."""


@dataclass
class Moved:
    """Jobs in the form of a document, and what could not be carried over."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, other: "Moved") -> None:
        self.jobs += other.jobs
        self.notes += other.notes
