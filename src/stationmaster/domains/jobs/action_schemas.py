"""What the API takes and shows of what is done with jobs: pausing, executing, trying."""

from typing import Any

from pydantic import ConfigDict, Field

from stationmaster.domains.executions.targets import Target
from stationmaster.domains.jobs.schemas import TARGET_EXAMPLE
from stationmaster.web.schema import Input, Instant, JsonObject, LongText, Output


class PauseIn(Input):
    """Why, and until when, a job pauses."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "maintenance", "until": "2026-12-01T06:00:00Z"}]}
    )

    reason: LongText | None = Field(None, description="Shown with the job and in the ledger.")
    until: Instant | None = Field(None, description="Ends the pause by itself.")


class ExecuteIn(Input):
    """What is different in this one execution; nothing of it is stored with the job.

    Besides `params` and `metadata`, fields of the target may be given, such as `url` or `body`. A webhook sent to another
    address than the job's does not carry the job's secrets.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"params": {"day": "2026-11-20"}}]})

    params: JsonObject | None = Field(None, description="Laid over the target's own.")
    metadata: JsonObject | None = Field(None, description="Instead of the job's.")

    @property
    def target_fields(self) -> JsonObject:
        return dict(self.model_extra or {})


class TestRunIn(Input):
    """A target to try once."""

    __test__ = False  # not a test class, whatever its name looks like
    model_config = ConfigDict(json_schema_extra={"examples": [{"target": TARGET_EXAMPLE, "timeout_seconds": 5}]})

    target: Target
    params: JsonObject | None = None
    timeout_seconds: float = Field(30, gt=0, le=60, description="Whole time of the try.")


class TestRunOut(Output):
    """What came of a try."""

    __test__ = False
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ok": True,
                    "type": "webhook",
                    "state": "succeeded",
                    "reason": None,
                    "response_status": 200,
                    "error": None,
                    "result": {"body": "ok", "truncated": False},
                    "duration_seconds": 0.08,
                }
            ]
        }
    )

    ok: bool
    type: str
    state: str
    reason: str | None
    response_status: int | None
    error: str | None
    result: dict[str, Any] | None
    duration_seconds: float
