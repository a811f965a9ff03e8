"""What a running program reports."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from stationmaster.domains.executions.external.reference import LONGEST_ID, TaskKind, TaskReference, read_reference
from stationmaster.domains.executions.journals.command import MAX_RESULT, MAX_STAGE
from stationmaster.domains.executions.journals.entry import Level
from stationmaster.domains.executions.journals.lines import MAX_LINE
from stationmaster.web.schema import Input, JsonObject, Output

MOST_LINES = 1000
MOST_AT_ONCE = 100
"""External tasks in one report."""
LogText = Annotated[str, StringConstraints(max_length=MAX_LINE)]


def _check_size(result: dict[str, Any]) -> dict[str, Any]:
    if len(str(result)) > MAX_RESULT:
        raise ValueError(f"a result has at most {MAX_RESULT:,} characters; put more into an artifact")
    return result


def _read_level(level: Any) -> Any:
    """Take the names that logging libraries write: any case, and one more for the worst."""
    if not isinstance(level, str):
        return level
    return Level.ERROR.value if level.lower() == "critical" else level.lower()


def _check_printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("only printable characters on one line are allowed here")
    return name


ReportedLevel = Annotated[
    Level, BeforeValidator(_read_level), Field(description="In any case; `critical` counts as `error`.")
]


class ExternalTaskIn(Input):
    """Work that the program began elsewhere."""

    kind: TaskKind = Field(examples=["earthengine"])
    task_id: str = Field(
        min_length=1,
        max_length=LONGEST_ID,
        description="Id of the task, or the name of its operation (`projects/…/operations/…`).",
        examples=["P3QX7ZB2M5KD4TLRWA6YCVNE"],
    )

    @model_validator(mode="after")
    def _check_id(self) -> Self:
        if read_reference(self.kind, self.task_id) is None:
            raise ValueError(f"this is no id of a task of {self.kind}")
        return self

    @property
    def reference(self) -> TaskReference:
        return TaskReference(self.kind, self.task_id)


class ReportIn(Input):
    """How far the program is, and what came of it."""

    progress: float | None = Field(None, ge=0, le=100, description="Percent.", examples=[42.5])
    stage: Annotated[str, AfterValidator(_check_printable)] | None = Field(
        None, min_length=1, max_length=MAX_STAGE, description="What it is at.", examples=["load"]
    )
    result: Annotated[JsonObject, AfterValidator(_check_size)] | None = Field(
        None, description="What came of it; the last one reported counts.", examples=[{"rows": 3}]
    )

    external_tasks: list[ExternalTaskIn] | None = Field(
        None,
        min_length=1,
        max_length=MOST_AT_ONCE,
        description="Work begun elsewhere; it is cancelled there when the execution is cancelled or runs out of time.",
    )

    @model_validator(mode="after")
    def _check_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("report at least one of progress, stage, result and external_tasks")
        return self


class LogLineIn(Input):
    """One line of a log."""

    text: LogText = Field(examples=["Loaded 3 rows."])
    level: ReportedLevel = Level.INFO


class LogLinesIn(Input):
    """One line (`text`, `level`) or several (`lines`)."""

    text: LogText | None = Field(None, examples=["Loaded 3 rows."])
    level: ReportedLevel = Field(Level.INFO, description="Of the one line, in any case.")
    lines: list[LogLineIn] | None = Field(None, min_length=1, max_length=MOST_LINES)

    @model_validator(mode="after")
    def _check_one_way(self) -> Self:
        if (self.text is None) == (self.lines is None):
            raise ValueError("give either text or lines")
        return self

    def every_line(self) -> list[tuple[str, Level]]:
        """Return the lines, whichever way they were given; text of several lines is several lines."""
        given = self.lines if self.lines is not None else [LogLineIn(text=self.text or "", level=self.level)]
        return [(text, line.level) for line in given for text in line.text.splitlines() or [""]]


class LogTaken(Output):
    """That lines were taken."""

    sequence: int = Field(description="Number of the last of them.", examples=[7])


class ArtifactOut(Output):
    """A file that an execution made."""

    execution_id: UUID
    name: str = Field(examples=["report.csv"])
    attempt: int = Field(examples=[1])
    media_type: str = Field(description="By its name.", examples=["text/csv"])
    size_bytes: int = Field(examples=[1024])
    checksum: str = Field(
        validation_alias="digest",
        description="SHA-256, in hexadecimal digits.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    created_at: datetime
