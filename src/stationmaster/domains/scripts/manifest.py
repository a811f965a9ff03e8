"""What the author of a script says of it: `stationmaster.yaml` at the top of an archive, or the fields of a request."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from stationmaster.domains.scripts.parameters.checking import check_schema
from stationmaster.domains.scripts.parameters.schema import Parameters
from stationmaster.domains.scripts.variables import check_variable
from stationmaster.kit.progress_pattern import ProgressPattern
from stationmaster.web.schema import Input, LongText, ShortText

NANO = 1_000_000_000
LEAST_NANO = 1_000_000
"""So many processors nobody has: such a number counts billionths of one, as Docker and older manifests do."""
MIB = 1024 * 1024

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?$")]
Category = Annotated[ShortText, StringConstraints(max_length=100)]
SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
OutputPattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_*?][A-Za-z0-9._*?/-]{0,199}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


def _read_processors(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value / NANO if is_number and value >= LEAST_NANO else value


def _read_words(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Processors = Annotated[float, BeforeValidator(_read_processors), Field(gt=0, le=256)]
Bytes = Annotated[int, Field(ge=6 * MIB, le=1024 * 1024 * MIB)]
Entrypoint = Annotated[list[Word], BeforeValidator(_read_words), Field(max_length=100)]


class Manifest(Input):
    """How a script is called, run and shown."""

    name: ShortText = Field(description="What people call it.", examples=["Filter products"])
    slug: Slug | None = Field(
        None,
        description="Its short name in addresses; made from `name` if left out, and never changed by a version.",
    )
    description: LongText = Field("", description="What it does, for those who run it.")
    category: Category | None = Field(None, description="Where it stands in the catalog.", examples=["data_processing"])
    runtime: Literal["sandbox", "docker"] = Field("sandbox", description="Where it runs.")
    entrypoint: Entrypoint = Field(
        ["main.py"],
        description="The file to start, run by what its ending names (`.py`, `.sh`), or a command of several words; no shell "
        "reads it. For an image, the arguments of its own entry point.",
    )
    parameters: Parameters = Field(
        Parameters(), description="JSON Schema of its parameters, and how each is handed over."
    )
    secrets: list[SecretName] = Field(
        [],
        max_length=50,
        description="Stored secrets that it finds in variables of these names, if they are granted to it.",
    )
    credential: SecretName | None = Field(
        None,
        description="Stored secret, `user:password`, for the registry that has its image, if it is granted to the script.",
    )
    outputs: list[OutputPattern] = Field(
        [], max_length=50, description="Files in OUTPUT_DIR that are kept as artifacts; `*` and `?` stand for others."
    )
    cpu_reservation: Processors | None = Field(None, description="Processors kept free for it in a swarm.")
    cpu_limit: Processors | None = Field(
        None, description="Processors it may use; from a million on, billionths of one."
    )
    memory_reservation: Bytes | None = Field(None, description="Bytes of memory kept free for it in a swarm.")
    memory_limit: Bytes | None = Field(None, description="Bytes of memory that it may use.")
    timeout_seconds: float = Field(300, gt=0, le=86_400 * 7, description="Longest time of one run.")
    network: Literal["none", "bridge"] = Field("none", description="`bridge` lets it call other machines.")
    progress_pattern: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None,
        description="RE2 expression that finds progress in its output: a percentage, or two groups, so many of so many.",
    )
    estimated_duration_seconds: float | None = Field(
        None, gt=0, le=86_400 * 30, description="How long it usually takes."
    )
    destructive: bool = Field(False, description="Whether it takes away what cannot be had again: runs need `confirm`.")

    @property
    def granted_secrets(self) -> list[str]:
        """The stored secrets that must be granted to the script."""
        return [*self.secrets, *([self.credential] if self.credential else [])]

    @field_validator("parameters")
    @classmethod
    def _check_schema(cls, parameters: Parameters) -> Parameters:
        check_schema(parameters)
        return parameters

    @field_validator("progress_pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            ProgressPattern.compile(pattern)
        return pattern

    @model_validator(mode="after")
    def _check_variables(self) -> Self:
        for name in self.secrets:
            check_variable(name)
        both = {*self.secrets} & {*self.parameters.variables().values()}
        if len({*self.secrets}) < len(self.secrets) or both:
            raise ValueError(f"a variable is given twice: {', '.join(sorted(both or self.secrets))[:200]}")
        return self

    @model_validator(mode="after")
    def _check_runtime(self) -> Self:
        if self.runtime == "docker" and any({*"*?/"} & {*name} for name in self.outputs):
            raise ValueError("outputs of a container are plain file names")
        if self.runtime == "sandbox" and (self.cpu_reservation or self.memory_reservation):
            raise ValueError("only containers have reservations")
        if self.runtime == "sandbox" and self.credential:
            raise ValueError("only containers have an image that a credential could fetch")
        for kind in ("cpu", "memory"):
            limit, reservation = getattr(self, f"{kind}_limit"), getattr(self, f"{kind}_reservation")
            if limit and reservation and reservation > limit:
                raise ValueError(f"{kind}_reservation is above {kind}_limit")
        return self


class OlderManifest(Input):
    """`configuration.json` of the system that was here before; its archives hold `src/main.py` and `requirements.txt`."""

    id: str | None = Field(None, description="Ignored: ids are given here.")
    name: ShortText
    cpu_reservation: int | None = None
    cpu_limit: int | None = None
    memory_reservation: int | None = None
    memory_limit: int | None = None
    environment: str | None = Field(None, max_length=200)
    environment_version: str | None = Field(None, max_length=100)
    uses_gee: bool = True

    def upgrade(self) -> dict[str, Any]:
        """Return what a manifest of today says of the same script."""
        limits = {
            name: value
            for name in ("cpu_reservation", "cpu_limit", "memory_reservation", "memory_limit")
            if (value := getattr(self, name)) is not None
        }
        return {"name": self.name, "runtime": "docker", "entrypoint": "src/main.py", "network": "bridge", **limits}
