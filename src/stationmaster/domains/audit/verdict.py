"""What walking the chain can show."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Fault(StrEnum):
    """What is wrong with an entry or a seal."""

    CHANGED = "changed"
    """It is not what was signed."""
    MISSING = "missing"
    """It is not there, or stands elsewhere."""
    UNCOVERED = "uncovered"
    """It claims to be sealed, and no seal covers it."""
    OTHER_KEY = "other_key"
    """It was signed with another key than ours: the secret key was changed, or somebody signed who has another."""


@dataclass(frozen=True)
class Break:
    """Where the chain breaks first."""

    what: Literal["entry", "seal", "checkpoint"]
    fault: Fault
    seal: int | None
    sequence: int | None = None
    id: str | None = None


@dataclass(frozen=True)
class Link:
    """A seal by its number and digest; the newest one, kept elsewhere, proves that nothing was cut off the end."""

    seal: int
    digest: str


@dataclass(frozen=True)
class Verdict:
    """What was found."""

    entries: int
    """Entries that are what was signed."""
    seals: int
    removed: int
    """Entries that retention removed; the checkpoint that stands for them is what was signed."""
    unsealed: int
    head: Link | None
    """The last seal that was verified."""
    broken: Break | None
