"""What one attempt has said and nobody has stored yet."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stationmaster.domains.executions.journal import Stream
from stationmaster.domains.executions.journals.entry import Kind, Level, Run

VALUE_SIZE = 8
"""What an entry that is no text counts for."""


@dataclass(slots=True)
class Pending:
    """Runs in order, and how much text they hold."""

    runs: list[Run] = field(default_factory=list)
    size: int = 0
    dropped: int = 0
    """Entries before these that were given up."""

    def __bool__(self) -> bool:
        return bool(self.runs)

    def add(self, run: Run) -> None:
        self.runs.append(run)
        self.size += _size_of(run)

    def add_lines(self, lines: list[str], stream: Stream, level: Level, *, at_ms: int) -> None:
        """Add lines, to the last run if they belong to it."""
        last = self.runs[-1] if self.runs else None
        if last and (last.at_ms, last.stream, last.level) == (at_ms, stream, level):
            last.values += lines
            self.size += sum(map(len, lines))
        else:
            self.add(Run(at_ms, Kind.OUTPUT, lines, stream, level))

    def replace_last(self, kind: Kind, value: object) -> bool:
        """Put another value in the place of the last entry, if it is of this kind."""
        if not self.runs or self.runs[-1].kind is not kind:
            return False
        self.runs[-1].values[-1] = value
        return True

    def forget_down_to(self, size: int) -> None:
        """Give up the oldest runs until no more than so much is left; the last run stays."""
        number = 0
        while self.size > size and number < len(self.runs) - 1:
            self.size -= _size_of(self.runs[number])
            self.dropped += len(self.runs[number].values)
            number += 1
        del self.runs[:number]

    def clear(self) -> None:
        self.runs, self.size, self.dropped = [], 0, 0

    def of_kind(self, kind: Kind) -> Iterator[Run]:
        return (run for run in self.runs if run.kind is kind)


def _size_of(run: Run) -> int:
    return sum(map(len, run.values)) if run.kind is Kind.OUTPUT else VALUE_SIZE * len(run.values)
