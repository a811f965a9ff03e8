"""What the API takes and shows of runs."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from stationmaster.domains.runs.status import RunStatus
from stationmaster.domains.runs.step_schemas import STEP_RUN_EXAMPLE, StepReport, StepRunOut
from stationmaster.web.json_values import check_text
from stationmaster.web.schema import Input, JsonObject, LongText, Output, ShortText

RUN_EXAMPLE: JsonDict = {
    "id": "019aa1c0-6666-7aaa-8bbb-0123456789ab",
    "process_id": "019aa1c0-4444-7aaa-8bbb-0123456789ab",
    "version": 1,
    "entity_id": "case-4711",
    "entity_name": "Ada Lovelace",
    "key": None,
    "status": "running",
    "meta": {"case_type": "garage"},
    "params": {},
    "is_partial": False,
    "started_at": "2026-11-21T08:30:00.000Z",
    "finished_at": None,
    "duration_seconds": None,
    "is_neutralized": False,
    "scheduled_deletion_at": "2027-11-21T08:29:00.000Z",
    "cancelled_at": None,
    "held_at": None,
    "hold_reason": None,
    "created_by": "019aa1c0-3333-7aaa-8bbb-0123456789ab",
    "created_at": "2026-11-21T08:29:00.000Z",
    "updated_at": "2026-11-21T08:30:00.000Z",
    "deleted_at": None,
    "steps": [STEP_RUN_EXAMPLE],
}

Key = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(check_text)]


class RunIn(Input):
    """A run of a process: which entity goes through it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "process_id": "019aa1c0-4444-7aaa-8bbb-0123456789ab",
                    "entity_id": "case-4711",
                    "entity_name": "Ada Lovelace",
                    "meta": {"case_type": "garage"},
                }
            ]
        }
    )

    process_id: UUID
    entity_id: ShortText = Field(description="Who or what goes through the process.", examples=["case-4711"])
    entity_name: ShortText | None = None
    key: Key | None = Field(
        None, description="Your own name of this run. If the process has a run with this key, that one is answered."
    )
    meta: JsonObject = Field({}, description="Any facts; fields that the process declares must be of their type.")
    params: JsonObject = Field({}, description="What its steps can refer to as `params.name`.")


class MetadataPatch(Input):
    """Values for fields that the run has, or that the process declares."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"meta": {"case_type": "carport"}}]})

    meta: JsonObject


class DecisionIn(Input):
    """Why somebody agrees or refuses."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"comment": "Looks right."}]})

    comment: LongText | None = None


class HoldIn(Input):
    """Why a run must be kept as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Court case 12 C 345/26"}]})

    reason: LongText


class ReportIn(StepReport):
    """A report by names: which step of which process, for which entity."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"process": "building-permits", "step": "check", "entity_id": "case-4711", "status": "success"}
            ]
        }
    )

    process: ShortText = Field(description="Id or name of the process.", examples=["building-permits"])
    step: ShortText = Field(description="Id or name of the step.", examples=["check"])
    entity_id: ShortText = Field(description="Whose newest run is meant; one is made if there is none.")
    entity_name: ShortText | None = Field(None, description="For a run that is made.")
    key: Key | None = Field(None, description="The run with this key is meant, and made if there is none.")
    run_meta: JsonObject = Field({}, description="Metadata for a run that is made.")


class RunOut(Output):
    """A run and where its steps stand."""

    volatile: ClassVar[frozenset[str]] = frozenset({"updated_at"})

    model_config = ConfigDict(json_schema_extra={"examples": [RUN_EXAMPLE]})

    id: UUID
    process_id: UUID
    version: int = Field(description="Of the process, when the run began; its steps are those of that version.")
    entity_id: str
    entity_name: str | None
    key: str | None
    status: RunStatus = Field(description="Follows from the steps; nobody sets it.")
    meta: dict[str, Any]
    params: dict[str, Any] | None
    is_partial: bool = Field(description="Whether some item of some step failed, although the step is a success.")
    started_at: datetime | None
    finished_at: datetime | None
    duration_seconds: float | None
    is_neutralized: bool = Field(description="Whether everything personal has been taken out, for good.")
    scheduled_deletion_at: datetime | None = Field(description="When it is neutralised, by the process's retention.")
    cancelled_at: datetime | None
    held_at: datetime | None = Field(description="Since when it is under legal hold.")
    hold_reason: str | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    steps: list[StepRunOut] = Field(description="Its current step runs, in their order.")


class NeutralizedOut(Output):
    """That a run is neutralised."""

    run_id: UUID
    was_already_neutralized: bool
    success: bool
    message: str = Field(examples=["Everything personal is gone."])


class ReportOut(Output):
    """What a report came to."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"created": False, "step_run": STEP_RUN_EXAMPLE, "run": RUN_EXAMPLE}]}
    )

    created: bool = Field(description="Whether the run was made for this report.")
    step_run: StepRunOut
    run: RunOut
