"""What the API takes and shows of processes."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict

from stationmaster.domains.processes.metadata_schema import MetadataField, MetadataSchema
from stationmaster.domains.processes.step_schemas import STEP_EXAMPLE, StepIn, StepOut
from stationmaster.web.schema import Input, JsonObject, LongText, Output, ShortText

MOST_STEPS = 200
SCHEMA_EXAMPLE: JsonDict = {
    "case_type": {"type": "string"},
    "citizen": {"type": "string", "personal": True},
}
PROCESS_EXAMPLE: JsonDict = {
    "name": "building-permits",
    "run_metadata_schema": SCHEMA_EXAMPLE,
    "retention_months": 12,
    "steps": [{"name": "check"}, {"name": "decide"}],
}

Months = Annotated[int, Field(ge=1, le=1200, description="Calendar months from a run's beginning; null for ever.")]


class ProcessIn(Input):
    """A process: what its runs are about, and its steps in their order."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROCESS_EXAMPLE]})

    name: ShortText = Field(description="Unique.", examples=["building-permits"])
    description: LongText | None = None
    meta: JsonObject = Field({}, description="Any facts about the process.")
    retention_months: Months | None = None
    run_metadata_schema: MetadataSchema = Field(
        {}, description="The fields that the metadata of runs have: a type word, or an object with `personal` and more."
    )
    steps: list[StepIn] = Field([], max_length=MOST_STEPS, description="In their order, unless they have an `index`.")

    @model_validator(mode="before")
    @classmethod
    def _lift_schema(cls, data: Any) -> Any:
        return lift_schema(data)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [step.name for step in self.steps]
        if len(set(names)) < len(names):
            raise ValueError("two steps have the same name")
        indexes = [step.index for step in self.steps if step.index is not None]
        if len(set(indexes)) < len(indexes):
            raise ValueError("two steps have the same index")
        return self


class ProcessPatch(Input):
    """Changes to a process; what is not given stays. Its steps have operations of their own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"description": "From the first letter to the permit."}]})

    name: ShortText | None = None
    description: LongText | None = None
    meta: JsonObject | None = None
    retention_months: Months | None = Field(None, description="For administrators, as in `PUT .../retention`.")
    run_metadata_schema: MetadataSchema | None = None

    @field_validator("name", "meta", "run_metadata_schema", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        return refuse_null(value)


def refuse_null(value: Any) -> Any:
    """Refuse null where leaving a field out means that it stays.

    Raises:
        ValueError: it is null.
    """
    if value is None:
        raise ValueError("cannot be null; leave out what stays as it is")
    return value


def lift_schema(data: Any) -> Any:
    """Take the schema also inside `meta`, where older clients have it."""
    if not isinstance(data, dict) or not isinstance(data.get("meta"), dict) or "run_metadata_schema" in data:
        return data
    meta = dict(data["meta"])
    schema = meta.pop("run_metadata_schema", None)
    return data if schema is None else data | {"meta": meta, "run_metadata_schema": schema}


class RetentionIn(Input):
    """How long the runs of a process stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"retention_months": 12}]})

    retention_months: Months | None


class OrderIn(Input):
    """The steps of a process in a new order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"steps": ["019aa1c0-5555-7aaa-8bbb-0123456789ab"]}]})

    steps: list[UUID] = Field(max_length=MOST_STEPS, description="The ids of all its steps.")


class ProcessOut(Output):
    """A process and its steps, as they are now."""

    volatile: ClassVar[frozenset[str]] = frozenset({"updated_at"})

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019aa1c0-4444-7aaa-8bbb-0123456789ab",
                    "name": "building-permits",
                    "description": None,
                    "owner_id": "019aa1c0-3333-7aaa-8bbb-0123456789ab",
                    "meta": {},
                    "run_metadata_schema": SCHEMA_EXAMPLE,
                    "retention_months": 12,
                    "version": 1,
                    "steps": [STEP_EXAMPLE],
                    "created_at": "2026-11-01T08:00:00.000Z",
                    "updated_at": "2026-11-01T08:00:00.000Z",
                    "deleted_at": None,
                }
            ]
        }
    )

    id: UUID
    name: str
    description: str | None
    owner_id: UUID | None
    meta: dict[str, Any]
    run_metadata_schema: dict[str, MetadataField]
    retention_months: int | None
    version: int = Field(description="Number of the present version; each change of the steps makes a new one.")
    steps: list[StepOut]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class ProcessVersionOut(Output):
    """The steps of a process as they were; runs that began then keep them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"number": 1, "created_at": "2026-11-01T08:00:00.000Z", "steps": [STEP_EXAMPLE]}]
        }
    )

    number: int
    created_at: datetime
    steps: list[StepOut]
