"""What the API takes and shows of steps."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from stationmaster.web.schema import Count, Input, LongText, Output, ShortText

STEP_EXAMPLE: JsonDict = {
    "id": "019aa1c0-5555-7aaa-8bbb-0123456789ab",
    "process_id": "019aa1c0-4444-7aaa-8bbb-0123456789ab",
    "index": 0,
    "name": "check",
    "description": None,
    "is_optional": False,
    "created_at": "2026-11-01T08:00:00.000Z",
    "updated_at": "2026-11-01T08:00:00.000Z",
    "deleted_at": None,
}


class StepIn(Input):
    """A step of a process."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "check", "description": "Is it complete?"}]})

    name: ShortText = Field(description="Unique within the process.", examples=["check"])
    index: Count | None = Field(
        None, description="Its place; the last one when left out. Steps from a taken place on move up."
    )
    description: LongText | None = None
    is_optional: bool = Field(False, description="It holds no run up, and its failure fails none.")


class StepPatch(Input):
    """Changes to a step; what is not given stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"index": 1}]})

    name: ShortText | None = None
    index: Count | None = None
    description: LongText | None = None
    is_optional: bool | None = None

    @field_validator("name", "index", "is_optional", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be null; leave out what stays as it is")
        return value


class StepOut(Output):
    """A step as it is now, or as a version has it."""

    model_config = ConfigDict(json_schema_extra={"examples": [STEP_EXAMPLE]})

    id: UUID
    process_id: UUID
    index: int
    name: str
    description: str | None
    is_optional: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
