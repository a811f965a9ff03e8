"""What the API shows of logs."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from stationmaster.domains.executions.journal import Stream
from stationmaster.domains.executions.journals.chronicle import Gap
from stationmaster.domains.executions.journals.entry import Entry, Level
from stationmaster.web.schema import JsonObject, Output


class LogLineOut(Output):
    """One line of an execution's log, or a mark for lines that are not kept."""

    sequence: int = Field(description="Number of the line, over all attempts; of a mark, of the first line left out.")
    at: datetime | None = Field(description="When it was said; null for a mark.")
    attempt: int | None = Field(description="In which attempt; null for a mark.")
    stream: Stream = Field(description="Where it came from; `system` is the service itself.")
    level: Level
    text: str = Field(examples=["Loaded 3 rows."])
    left_out: int | None = Field(None, description="How many entries a mark stands for.")

    @classmethod
    def of(cls, item: Entry | Gap) -> "LogLineOut":
        """Show a line or a mark."""
        if isinstance(item, Gap):
            return cls(
                sequence=item.first,
                at=None,
                attempt=None,
                stream=Stream.SYSTEM,
                level=Level.WARNING,
                text=describe_gap(item),
                left_out=item.count,
            )
        assert item.stream is not None
        assert item.level is not None
        return cls(
            sequence=item.sequence,
            at=item.at,
            attempt=item.attempt,
            stream=item.stream,
            level=item.level,
            text=item.value,
            left_out=None,
        )


def describe_gap(gap: Gap) -> str:
    """Say in words that something is not kept."""
    return f"--- {gap.count:,} entries are left out here: the log was too long ---"


class ResultOut(Output):
    """What an execution reported as its result."""

    execution_id: UUID
    state: str = Field(examples=["succeeded"])
    result: JsonObject | None = Field(description="The last one reported; null when there was none.")
