"""Which logs are kept in files besides: the settings of it."""

from pathlib import Path

from pydantic import BaseModel, Field, field_validator


class LogFileSettings(BaseModel):
    """Files of the service's own log, beside standard error; they are rotated."""

    dir: Path | None = Field(
        None,
        description="Folder of one process for stationmaster.log, stationmaster.jsonl and errors.log; none if empty.",
    )
    max_bytes: int = Field(10 << 20, ge=1024, description="A file that would grow beyond this is rotated.")
    backups: int = Field(5, ge=1, le=1000, description="Rotated files kept of each; the newest ends in `.1`.")

    @field_validator("dir", mode="before")
    @classmethod
    def _read_empty(cls, folder: object) -> object:
        return None if folder == "" else folder


class JournalFileSettings(BaseModel):
    """Files of what executions say, beside the database."""

    enabled: bool = Field(
        False, description="Whether the output of each execution goes to DATA_DIR/logs/DATE/ID.log of its replica too."
    )
