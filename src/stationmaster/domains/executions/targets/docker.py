"""The target `docker`: a container, or a service of a swarm."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator

from stationmaster.domains.executions.targets.base import SecretName, TargetFields
from stationmaster.kit.image_name import IMAGE
from stationmaster.web.schema import JsonObject, Text

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
Argument = Annotated[Text, StringConstraints(max_length=32_768)]
OutputName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$")]
OWN_VARIABLES = frozenset({"EXECUTION_ID", "PARAMS", "PARAMS_FILE", "STATE_FILE", "RESULT_FILE", "OUTPUT_DIR"})
OWN_PREFIX = "STATIONMASTER_"


class DockerTarget(TargetFields):
    """A container: made, followed to its end, and removed.

    It has no capabilities, a read-only root, a private `/tmp`, a user that is not root, and no network unless asked for.
    """

    type: Literal["docker"]
    image: str = Field(
        max_length=500,
        pattern=IMAGE,
        description="Image; by digest, or one that the house allows.",
        examples=["registry.example.com/reports:1.4"],
    )
    command: list[Argument] = Field(
        [], max_length=200, description="Arguments for the image's entry point, never read by a shell."
    )
    env: dict[VariableName, Argument] = Field({}, max_length=200, description="Environment variables.")
    secrets: list[SecretName] = Field(
        [], max_length=50, description="Stored secrets, each handed over in the environment variable of its name."
    )
    params: JsonObject = Field({}, description="Handed over as JSON, in the environment variable `PARAMS`.")
    outputs: list[OutputName] = Field(
        [], max_length=50, description="Files that the program leaves in `OUTPUT_DIR` and that are kept as artifacts."
    )
    credential: SecretName | None = Field(
        None, description="Stored secret, `user:password`, for the registry that has the image."
    )
    cpu: float = Field(1, gt=0, le=256, description="Processors, in parts too.")
    memory_mb: int = Field(256, ge=6, le=1_048_576, description="Memory in MiB; no swap besides.")
    pids: int = Field(256, ge=1, le=32_768, description="Processes and threads.")
    network: Literal["none", "bridge"] = Field("none", description="`bridge` gives it a network of its own.")
    timeout_seconds: float | None = Field(
        None, gt=0, le=86_400 * 7, description="Whole time of one run, if shorter than the job's."
    )

    @field_validator("env")
    @classmethod
    def _refuse_own_names(cls, env: dict[str, str]) -> dict[str, str]:
        taken = sorted(name for name in env if name in OWN_VARIABLES or name.startswith(OWN_PREFIX))
        if taken:
            raise ValueError(f"{', '.join(taken)}: set by Stationmaster itself")
        return env

    def with_params(self, params: JsonObject) -> Self:
        """Return the same container with `params` laid over its own."""
        return self.model_copy(update={"params": {**self.params, **params}}) if params else self
