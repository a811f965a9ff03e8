"""What a step does: its target, what it gets from the steps before, and how it behaves when things go wrong."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from stationmaster.domains.executions.models import OnLost, OverlapPolicy
from stationmaster.domains.executions.policies import Overlap, Retry, Seconds
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.processes.references import MAX_LENGTH, parse_condition, parse_reference
from stationmaster.web.schema import Input, JsonValue, ShortText

MOST_NAMES = 50
MOST_ITEMS = 1000
"""Items that a step is done for, at most."""
DEFAULT_RERUNS = 3


def _check_reference(text: str) -> str:
    parse_reference(text)
    return text


def _check_run_if(text: str) -> str:
    if text not in {"success", "failure", "always"}:
        parse_condition(text)
    return text


Reference = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH), AfterValidator(_check_reference)]
RunIf = Annotated[str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_check_run_if)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class ArtifactOf(Input):
    """A file that the execution of an earlier step keeps."""

    step: ShortText = Field(description="A step with a target, which is not done for a list.", examples=["filter"])
    artifact: Annotated[str, StringConstraints(min_length=1, max_length=255)] = Field(
        description="Its name among the artifacts of the step's execution.", examples=["filtered.csv"]
    )


Source = Reference | ArtifactOf
ItemList = Annotated[list[JsonValue], Field(max_length=MOST_ITEMS)]
Inputs = Annotated[
    dict[Name, Source | Annotated[list[Source], Field(min_length=1, max_length=10)]], Field(max_length=MOST_NAMES)
]
Timeout = Annotated[float, Field(gt=0, le=86_400 * 7)]


class FanOut(Input):
    """Doing a step for each item of a list, or for each combination of several lists."""

    over: dict[Name, Reference | ItemList] = Field(
        min_length=1,
        max_length=3,
        description="By the name of the parameter it becomes: a list, or a reference to one.",
        examples=[{"region": "params.regions"}],
    )
    parallel: int = Field(10, ge=1, le=1000, description="How many at once.")
    max_failed: int = Field(
        0, ge=0, le=MOST_ITEMS, description="How many may fail; the step is then a success, in part."
    )


class Approval(Input):
    """Waiting for somebody to agree."""

    timeout_seconds: float | None = Field(None, gt=0, le=86_400 * 366, description="How long; for ever when left out.")
    default: Annotated[str, StringConstraints(pattern="^(approve|reject)$")] = Field(
        "reject", description="What happens when the time is up."
    )
    approvers: list[UUID] = Field(
        [], max_length=MOST_NAMES, description="Who may decide, besides the owner of the process and administrators."
    )


class RerunConfig(Input):
    """How a step is done again.

    With `retry_delays` or `failure_conditions` it is done again by itself, without them by hand only.
    """

    target: Target | None = Field(None, description="What to do; the step's own target when left out.")
    api_endpoint: Annotated[str, StringConstraints(max_length=2000)] | None = Field(
        None, description="Short for a webhook to this address."
    )
    timeout_seconds: Timeout | None = None
    max_retries: int = Field(DEFAULT_RERUNS, ge=0, le=100, description="Reruns in all, by hand too.")
    retry_delays: list[Seconds] = Field(
        [], max_length=100, description="Waits before reruns that happen by themselves; the last one repeats."
    )
    failure_conditions: list[ShortText] = Field(
        [], max_length=MOST_NAMES, description="Only failures of these codes (`failure.error_code`) are done again."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_short_form(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("api_endpoint") is None:
            return data
        if data.get("target") is not None:
            raise ValueError("give either target or api_endpoint, which is short for one")
        return {name: value for name, value in data.items() if name != "api_endpoint"} | {
            "target": {"type": "webhook", "url": data["api_endpoint"]}
        }

    @property
    def is_automatic(self) -> bool:
        return bool(self.retry_delays or self.failure_conditions)

    def covers(self, code: object) -> bool:
        """Say whether a failure with this code is done again by itself."""
        return self.is_automatic and (not self.failure_conditions or str(code) in self.failure_conditions)

    def delay_before(self, number: int) -> float:
        """Return the seconds to wait before the rerun of this number, from 1."""
        return self.retry_delays[min(number, len(self.retry_delays)) - 1] if self.retry_delays else 0


class Work(Input):
    """What a step does, and how."""

    target: Target | None = Field(
        None, description="What to do when its turn has come; without one an outside system reports the step."
    )
    inputs: Inputs = Field(
        {},
        description="Parameters laid into the target, by references such as `download.bytes` or `run.entity_id`, or of the"
        " files of earlier steps; of several the first that is there counts.",
        examples=[{"rows": "filter.rows", "file": [{"step": "filter", "artifact": "filtered.csv"}, "params.file"]}],
    )
    retry: Retry = Field(Retry(), description="Attempts that failed.")
    timeout_seconds: Timeout = Field(300, description="Whole time of one attempt.")
    on_lost: OnLost | None = Field(None, description="What to do when the replica that worked on it went away.")
    overlap: Overlap = Field(Overlap(policy=OverlapPolicy.ALLOW), description="Steps that would overlap, by a key.")
    fan_out: FanOut | None = None

    @model_validator(mode="after")
    def _check_work(self) -> Self:
        if self.target is None and (self.inputs or self.fan_out):
            raise ValueError("inputs and fan_out belong to a step with a target")
        return self
