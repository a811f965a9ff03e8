"""What the end of an execution says of the step run that it carried out."""

import json
from typing import Any

from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.runs.models import StepRun
from stationmaster.domains.runs.status import StepStatus

ACCEPTED = 202
"""By this answer a receiver says that it has begun and will report the end (RFC 9110, section 15.3.3)."""


def is_only_accepted(execution: Execution) -> bool:
    """Say whether a receiver took the work on and will report how it ended."""
    return execution.kind == "webhook" and execution.state is State.SUCCEEDED and execution.response_status == ACCEPTED


def conclude(step_run: StepRun, execution: Execution) -> None:
    """Write the end of an execution into its step run."""
    finished_at = execution.finished_at or execution.queued_at
    step_run.started_at = min(step_run.started_at or finished_at, finished_at)
    step_run.finished_at = finished_at
    match execution.state:
        case State.SUCCEEDED:
            step_run.status, step_run.result = StepStatus.SUCCESS, read_result(execution)
        case State.CANCELLED:
            step_run.status = StepStatus.CANCELLED
        case _:
            step_run.status, step_run.failure = StepStatus.FAILED, describe_failure(execution)


def read_result(execution: Execution) -> dict[str, Any] | None:
    """Return what a step hands over: the JSON object that a webhook answered with, or else the result as it is."""
    result = execution.result
    if execution.kind != "webhook" or not result or not isinstance(result.get("body"), str):
        return result
    try:
        body = json.loads(result["body"])
    except ValueError:
        return result
    return body if isinstance(body, dict) else result


def describe_failure(execution: Execution) -> dict[str, Any]:
    """Say why an execution failed, in the form in which outside systems report failures."""
    code = execution.reason.value if execution.reason else execution.state.value
    failure: dict[str, Any] = {"error_code": code, "message": execution.error}
    if execution.response_status is not None:
        failure["response_status"] = execution.response_status
    return failure
