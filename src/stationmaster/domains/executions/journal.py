"""What an attempt says while it works."""

from collections import deque
from enum import StrEnum
from typing import Any, Protocol


class Stream(StrEnum):
    """Where a line came from."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SYSTEM = "system"
    """From Stationmaster itself, about the attempt."""


class Journal(Protocol):
    """Takes in what an attempt says: log lines, progress, a result. Cheap to have and not to use.

    What is written waits a moment for company, so all of it may be called often; `feed` waits while too much is unwritten.
    """

    @property
    def consumed_lines(self) -> int:
        """How many lines of its source an earlier replica took in of this attempt: who follows a log again skips so many."""

    @property
    def result(self) -> dict[str, Any] | None:
        """What the program reported as its result, if it did."""

    async def feed(self, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        """Take in raw output, in pieces of any size; lines of the progress protocol are obeyed, the others are log lines."""

    async def line(self, text: str, stream: Stream = Stream.SYSTEM, *, level: str = "info") -> None:
        """Add a line that is not output of the program."""

    def mask(self, value: str) -> None:
        """Hide this text from now on, also where it is split or encoded."""


class TrialJournal:
    """The journal of a trial: nothing is stored, and the last pieces are at hand."""

    def __init__(self, *, most_pieces: int = 200) -> None:
        self.pieces: deque[str] = deque(maxlen=most_pieces)
        self.masked: list[str] = []
        self.consumed_lines = 0
        self.result: dict[str, Any] | None = None

    async def feed(self, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        await self.line(data.decode(errors="replace"), stream)

    async def line(self, text: str, stream: Stream = Stream.SYSTEM, *, level: str = "info") -> None:  # noqa: ARG002
        self.pieces.append(text[:2000])

    def mask(self, value: str) -> None:
        self.masked.append(value)
