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
    REPORT = "report"
    """From the program, by the reporting API."""


class ProgressReader(Protocol):
    """Finds progress in lines (`kit.progress_pattern`)."""

    def read(self, line: str) -> float | None:
        """Return the percentage that a line tells, if it tells one."""


class Journal(Protocol):
    """Takes in what an attempt says: log lines, progress, a result. Cheap to have and not to use.

    What is written waits a moment for company, so all of it may be called often; `feed` waits while too much is unwritten.
    """

    @property
    def consumed_lines(self) -> int:
        """How many lines of its source whoever follows a log again must leave out.

        The journals of attempts want to hear all of it again: they leave out themselves what is stored, and learn anew what
        must be hidden.
        """

    @property
    def result(self) -> dict[str, Any] | None:
        """What the program reported as its result, if it did."""

    async def feed(self, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        """Take in raw output, in pieces of any size; lines of the progress protocol are obeyed, the others are log lines."""

    async def line(self, text: str, stream: Stream = Stream.SYSTEM, *, level: str = "info") -> None:
        """Add a line that is not output of the program."""

    def progress(self, percent: float) -> None:
        """Tell how far the work is, from 0 to 100."""

    def stage(self, name: str) -> None:
        """Tell what the work is at."""

    def report(self, result: dict[str, Any]) -> None:
        """Keep a result; the last one counts."""

    def mask(self, value: str) -> None:
        """Hide this text from now on, also where it is split or encoded."""

    async def settle(self) -> None:
        """Come back when all that was said so far is stored, and what is hidden here is hidden in reports too.

        Raises:
            TimeoutError: the database is away.
        """

    def read_progress_with(self, reader: ProgressReader) -> None:
        """Read progress also from lines of the program's own style."""


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

    def progress(self, percent: float) -> None:
        self.pieces.append(f"{percent:g} %")

    def stage(self, name: str) -> None:
        self.pieces.append(name[:2000])

    def report(self, result: dict[str, Any]) -> None:
        self.result = result

    def mask(self, value: str) -> None:
        self.masked.append(value)

    async def settle(self) -> None:
        """Come back at once: nothing is stored."""

    def read_progress_with(self, reader: ProgressReader) -> None:
        """Leave progress alone: nobody watches a trial."""
