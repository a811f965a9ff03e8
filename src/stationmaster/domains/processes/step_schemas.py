"""What the API takes and shows of steps."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict

from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.processes.work_schemas import (
    MOST_NAMES,
    Approval,
    FanOut,
    Inputs,
    RerunConfig,
    RunIf,
    Timeout,
    Work,
)
from stationmaster.web.schema import Count, Input, LongText, Output, ShortText

DependsOn = Annotated[list[ShortText], Field(max_length=MOST_NAMES)]

STEP_EXAMPLE: JsonDict = {
    "id": "019aa1c0-5555-7aaa-8bbb-0123456789ab",
    "process_id": "019aa1c0-4444-7aaa-8bbb-0123456789ab",
    "index": 0,
    "name": "check",
    "description": None,
    "is_optional": False,
    "depends_on": None,
    "run_if": None,
    "target": None,
    "inputs": {},
    "retry": {"max_attempts": 1},
    "timeout_seconds": 300.0,
    "on_lost": None,
    "overlap": {"policy": "allow"},
    "fan_out": None,
    "approval": None,
    "is_rerunnable": False,
    "rerun_config": None,
    "created_at": "2026-11-01T08:00:00.000Z",
    "updated_at": "2026-11-01T08:00:00.000Z",
    "deleted_at": None,
}


class StepIn(Work):
    """A step of a process.

    A step with a `target` is carried out when its turn has come, one with an `approval` waits for somebody, and any other is
    reported from outside. Its turn has come when the steps it depends on have ended and `run_if` holds.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "check", "description": "Is it complete?"}]})

    name: ShortText = Field(description="Unique within the process.", examples=["check"])
    index: Count | None = Field(
        None, description="Its place; the last one when left out. Steps from a taken place on move up."
    )
    description: LongText | None = None
    is_optional: bool = Field(False, description="It holds no run up, and its failure fails none.")
    depends_on: DependsOn | None = Field(
        None, description="Names or ids of the steps it waits for; the one before it when left out."
    )
    run_if: RunIf | None = Field(
        None,
        description="`success` (the default): none of them failed; `failure`: one of them did; `always`; or a condition on"
        " earlier results such as `download.bytes > 0`.",
    )
    approval: Approval | None = None
    is_rerunnable: bool | None = Field(
        None, description="Whether it may be done again; by default if it has a target or a rerun_config."
    )
    rerun_config: RerunConfig | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.target is not None and self.approval is not None:
            raise ValueError("a step has a target or an approval, not both")
        return self


class StepPatch(Input):
    """Changes to a step; what is not given stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"index": 1}]})

    name: ShortText | None = None
    index: Count | None = None
    description: LongText | None = None
    is_optional: bool | None = None
    depends_on: DependsOn | None = None
    run_if: RunIf | None = None
    target: Target | None = None
    inputs: Inputs | None = None
    retry: Retry | None = None
    timeout_seconds: Timeout | None = None
    on_lost: OnLost | None = None
    overlap: Overlap | None = None
    fan_out: FanOut | None = None
    approval: Approval | None = None
    is_rerunnable: bool | None = None
    rerun_config: RerunConfig | None = None

    @field_validator(
        *("name", "index", "is_optional", "is_rerunnable", "inputs", "retry", "timeout_seconds", "overlap"),
        mode="before",
    )
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
    depends_on: list[str] | None = Field(description="Names of the steps it waits for; null for the one before it.")
    run_if: str | None
    target: Target | None
    inputs: dict[str, Any]
    retry: Retry
    timeout_seconds: float
    on_lost: OnLost | None
    overlap: Overlap
    fan_out: FanOut | None
    approval: Approval | None
    is_rerunnable: bool
    rerun_config: RerunConfig | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
