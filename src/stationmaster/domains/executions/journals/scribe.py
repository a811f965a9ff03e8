"""What the journal of an attempt asks of whoever stores it."""

from typing import Protocol, TypeVar

Speaker = TypeVar("Speaker", contravariant=True)


class Scribe(Protocol[Speaker]):
    """Whoever stores what journals say."""

    most_pending: int
    """Characters of one attempt that may wait to be stored."""

    def announce(self, journal: Speaker) -> None:
        """Note that a journal has something to store."""

    @property
    def is_crowded(self) -> bool:
        """Say whether all journals together wait for more than memory should hold."""
