"""The policies of a job as the API takes and shows them."""

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.jobs.dependency_models import On
from stationmaster.domains.jobs.slots import Misfire
from stationmaster.kit.emails import normalise_email
from stationmaster.web.schema import Input, ShortText

EmailAddress = Annotated[str, Field(max_length=254, examples=["ops@example.com"]), AfterValidator(normalise_email)]
MOST_DEPENDENCIES = 50


class DependencyIn(Input):
    """Another job that must have ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"job": "nightly-import", "on": "success"}]})

    job: ShortText = Field(description="Name or id of the other job.", examples=["nightly-import"])
    on: On = Field(On.SUCCESS, description="How it must end; `always` takes every end, being skipped too.")


Dependencies = Annotated[list[DependencyIn], Field(max_length=MOST_DEPENDENCIES)]


class Notifications(Input):
    """Whom to tell how executions of a job ended: its owner, its team, and these addresses."""

    enabled: bool = Field(False, description="Whether anybody is told at all.")
    emails: list[EmailAddress] = Field(
        [], max_length=50, description="Addresses to mail besides the owner and the team."
    )
    on_success: bool = Field(False, description="Tell of successes, too.")
    after_failures: int = Field(
        1, ge=1, le=1000, description="Tell of a failure when so many in a row have failed, once; then of the recovery."
    )


class Policies(Input):
    """How a job behaves when things do not go to plan."""

    misfire: Misfire = Field(Misfire(), description="Slots that were missed.")
    overlap: Overlap = Field(Overlap(), description="Runs that would overlap.")
    retry: Retry = Field(Retry(), description="Attempts that failed.")
    timeout_seconds: float = Field(300, gt=0, le=86_400 * 7, description="Whole time of one attempt.")
    on_lost: OnLost | None = Field(
        None,
        description="What to do when the replica that ran it went away: `retry` (at least once; the default of webhooks)"
        " or `fail` (at most once).",
    )
    spread_seconds: int = Field(
        0,
        ge=0,
        le=86_400,
        description="Run up to so much later than planned, each schedule always by the same amount, so that jobs planned for"
        " the same time do not all begin at once. Single instants stay exact.",
    )
    auto_pause_after_failures: int = Field(
        0, ge=0, le=1000, description="Pause when so many executions in a row have failed; 0 never does."
    )
    depends_on: Dependencies = Field(
        [], description="Run when these others have ended, all of the same wave; besides any schedules."
    )


_POLICY_NAMES = frozenset(Policies.model_fields)


def lift_policies(data: Any) -> Any:
    """Take the policies also as one object, `policies: {...}`, beside the other fields."""
    if not isinstance(data, dict) or not isinstance(data.get("policies"), dict):
        return data
    nested = data["policies"]
    twice, unknown = nested.keys() & data.keys(), nested.keys() - _POLICY_NAMES
    if twice or unknown:
        raise ValueError(f"policies: {', '.join(sorted(map(str, twice | unknown)))} given twice or unknown")
    return {name: value for name, value in data.items() if name != "policies"} | nested
