"""The target `script`: a registered script with its parameters."""

from typing import Literal, Self

from pydantic import Field

from stationmaster.domains.executions.targets.base import TargetFields
from stationmaster.web.schema import JsonObject, ShortText


class ScriptTarget(TargetFields):
    """A registered script; the version that is current when an attempt begins is run."""

    type: Literal["script"]
    script: ShortText = Field(description="Id or slug of the script.", examples=["nightly-import"])
    params: JsonObject = Field({}, description="Its parameters, checked against what the script declares.")

    def with_params(self, params: JsonObject) -> Self:
        """Return the same script with `params` laid over its own."""
        return self.model_copy(update={"params": {**self.params, **params}}) if params else self
