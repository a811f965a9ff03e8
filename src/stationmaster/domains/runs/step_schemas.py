"""What the API takes and shows of step runs."""

from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict

from stationmaster.domains.runs.status import SkipReason, StepStatus
from stationmaster.web.schema import Input, Instant, JsonObject, Output

STEP_RUN_EXAMPLE: JsonDict = {
    "id": "019aa1c0-7777-7aaa-8bbb-0123456789ab",
    "run_id": "019aa1c0-6666-7aaa-8bbb-0123456789ab",
    "step_id": "019aa1c0-5555-7aaa-8bbb-0123456789ab",
    "index": 0,
    "name": "check",
    "status": "running",
    "is_optional": False,
    "is_current": True,
    "started_at": "2026-11-21T08:30:00.000Z",
    "finished_at": None,
    "meta": {},
    "result": None,
    "failure": None,
    "parent_id": None,
    "item": None,
    "item_index": None,
    "original_step_run_id": None,
    "rerun_number": None,
    "execution_id": None,
    "params": None,
    "reason": None,
    "deadline_at": None,
    "is_partial": None,
    "reported_by": "019aa1c0-3333-7aaa-8bbb-0123456789ab",
    "created_at": "2026-11-21T08:29:00.000Z",
    "updated_at": "2026-11-21T08:30:00.000Z",
}


class StepReport(Input):
    """How a step is getting on; what is not given stays.

    Times that the status implies and that are not given are filled in with the present instant.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "success"}]})

    status: StepStatus | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = Field(None, description="With a status that ends the step.")
    meta: JsonObject | None = Field(None, description="Any facts, laid over those that are there.")
    result: JsonObject | None = Field(None, description="What the step came to.")
    failure: JsonObject | None = Field(
        None, description="What went wrong, such as `{error_code, message, details}`; with the status `failed`."
    )

    @field_validator("status", "started_at", "finished_at", "meta", "failure", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be null; leave out what stays as it is")
        return value

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        if self.started_at and self.finished_at and self.finished_at < self.started_at:
            raise ValueError("finished_at lies before started_at")
        return self

    @property
    def has_facts(self) -> bool:
        """Say whether it brings anything that may say something of a person."""
        return any((self.meta, self.result, self.failure))


class StepRunOut(Output):
    """One step of one run."""

    volatile: ClassVar[frozenset[str]] = frozenset({"updated_at"})

    model_config = ConfigDict(json_schema_extra={"examples": [STEP_RUN_EXAMPLE]})

    id: UUID
    run_id: UUID
    step_id: UUID
    index: int
    name: str
    status: StepStatus
    is_optional: bool
    is_current: bool = Field(description="Whether it counts; false once it was run again.")
    started_at: datetime | None
    finished_at: datetime | None
    meta: dict[str, Any]
    result: dict[str, Any] | None
    failure: dict[str, Any] | None
    parent_id: UUID | None = Field(description="The step run whose list this one does an item of.")
    item: dict[str, Any] | None
    item_index: int | None
    original_step_run_id: UUID | None = Field(description="The first one, when this is a rerun.")
    rerun_number: int | None
    execution_id: UUID | None = Field(description="What carries it out.")
    params: dict[str, Any] | None = Field(description="What its inputs came to.")
    reason: SkipReason | None = Field(description="Why it was skipped.")
    deadline_at: datetime | None = Field(description="Until when somebody must have approved it.")
    is_partial: bool | None = Field(description="Whether some of its items failed, although it is a success.")
    reported_by: UUID | None
    created_at: datetime
    updated_at: datetime
