"""The target `process`: a run of a process."""

from typing import Literal, Self

from pydantic import Field

from stationmaster.domains.executions.targets.base import TargetFields
from stationmaster.web.schema import JsonObject, ShortText


class ProcessTarget(TargetFields):
    """The start of a run of a process."""

    type: Literal["process"]
    process: ShortText = Field(description="Id or name of the process.", examples=["onboarding"])
    entity_id: ShortText | None = Field(
        None, description="What goes through the process; the execution's id when empty."
    )
    entity_name: ShortText | None = Field(None, description="Its name for people.")
    meta: JsonObject = Field({}, description="Metadata of the run.")

    def with_params(self, params: JsonObject) -> Self:
        """Return the same start with `params` laid over the run's metadata."""
        return self.model_copy(update={"meta": {**self.meta, **params}}) if params else self
