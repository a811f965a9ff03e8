"""What kind of wall this machine can put around a run."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Mode = Literal["require", "prefer", "off"]


class Level(StrEnum):
    """How well a run is held."""

    FULL = "full"
    """bubblewrap: nothing of the machine is in sight but programs and libraries."""
    REDUCED = "reduced"
    """A plain process with limits."""
    NONE = "none"
    """No run is started."""


@dataclass(frozen=True, slots=True)
class Protection:
    """The wall of this machine, and in words why it is no better."""

    level: Level
    text: str
