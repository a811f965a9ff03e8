"""What the API shows of one execution beyond its row."""

from datetime import datetime

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from stationmaster.domains.executions.external.models import TaskState
from stationmaster.domains.executions.external.reference import TaskKind
from stationmaster.domains.executions.schemas import EXECUTION_EXAMPLE, ExecutionOut
from stationmaster.web.schema import Output

EXTERNAL_TASK_EXAMPLE: JsonDict = {
    "kind": "earthengine",
    "task_id": "P3QX7ZB2M5KD4TLRWA6YCVNE",
    "attempt": 1,
    "state": "cancelled",
    "reason": None,
    "tries": 2,
    "created_at": "2026-11-21T02:30:05.000Z",
    "cancel_began_at": "2026-11-21T02:34:00.000Z",
    "settled_at": "2026-11-21T02:34:06.120Z",
}


class ExternalTaskOut(Output):
    """Work that an execution began elsewhere."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXTERNAL_TASK_EXAMPLE]})

    kind: TaskKind
    task_id: str = Field(description="Its id there, as the program told it.")
    attempt: int = Field(description="The attempt that told of it first.")
    state: TaskState = Field(
        description="`running` while the execution goes on, `left` when that ended by itself; `cancelling`, then"
        " `cancelled`, `ended` (it had ended before), `gone` (not known there) or `not_cancelled`."
    )
    reason: str | None = Field(description="What is to be said of the state.")
    tries: int = Field(description="How often its cancel was tried.")
    created_at: datetime = Field(description="When it was told of.")
    cancel_began_at: datetime | None
    settled_at: datetime | None = Field(description="When the last state was reached.")


class ExecutionDetail(ExecutionOut):
    """An execution and what it began elsewhere."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [EXECUTION_EXAMPLE | {"external_tasks": [EXTERNAL_TASK_EXAMPLE]}]}
    )

    external_tasks: list[ExternalTaskOut] | None = Field(
        None, description="Work that it began elsewhere, the oldest first; for those who may look inside."
    )
