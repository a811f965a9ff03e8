"""What is written in a journal: runs of entries, and their form in the database."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from stationmaster.domains.executions.journal import Stream


class Kind(StrEnum):
    """What an entry is."""

    OUTPUT = "output"
    PROGRESS = "progress"
    STAGE = "stage"
    STATE = "state"


class Level(StrEnum):
    """How much a line of output matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(slots=True)
class Run:
    """Entries of one kind and one instant, one after the other: lines of output, or values."""

    at_ms: int
    kind: Kind
    values: list[Any]
    stream: Stream | None = None
    level: Level | None = None


@dataclass(slots=True)
class Entry:
    """One thing that was said. `value` is a line, a percentage, the name of a stage, or a state.

    Not frozen: there are many, and making a frozen one takes twice as long.
    """

    sequence: int
    attempt: int
    at: datetime
    kind: Kind
    value: Any
    stream: Stream | None
    level: Level | None


def encode(runs: Sequence[Run]) -> str:
    """Write runs as the text of a chunk. JSON escapes NUL, which PostgreSQL would refuse."""
    return json.dumps(
        [[run.at_ms, run.kind, run.stream, run.level, run.values] for run in runs],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def decode(body: str, *, first_sequence: int, attempt: int) -> Iterator[Entry]:
    """Read the entries of a chunk."""
    sequence = first_sequence
    for at_ms, kind, stream, level, values in json.loads(body):
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        said = (Kind(kind), Stream(stream) if stream else None, Level(level) if level else None)
        for value in values:
            yield Entry(sequence, attempt, at, said[0], value, said[1], said[2])
            sequence += 1
