"""What the API shows of executions."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.sight import Sight
from stationmaster.domains.executions.states import Reason, State, Trigger
from stationmaster.web.schema import Output

EXECUTION_EXAMPLE: JsonDict = {
    "id": "019aa1c2-7d3e-7c44-9b51-0f6a2b8c9d10",
    "type": "webhook",
    "state": "succeeded",
    "reason": None,
    "trigger": "schedule",
    "job": {"id": "019aa1c0-1111-7aaa-8bbb-0123456789ab", "name": "nightly-report"},
    "job_id": "019aa1c0-1111-7aaa-8bbb-0123456789ab",
    "script": None,
    "script_id": None,
    "step_run": None,
    "schedule_id": "019aa1c0-2222-7aaa-8bbb-0123456789ab",
    "owner_id": "019aa1c0-3333-7aaa-8bbb-0123456789ab",
    "scheduled_for": "2026-11-21T02:30:00.000Z",
    "slot_until": None,
    "slot_count": 1,
    "queued_at": "2026-11-21T02:30:00.004Z",
    "started_at": "2026-11-21T02:30:00.012Z",
    "finished_at": "2026-11-21T02:30:00.140Z",
    "duration_seconds": 0.128,
    "lateness_seconds": 0.012,
    "attempt": 1,
    "max_attempts": 3,
    "progress": None,
    "stage": None,
    "params": None,
    "result": {"body": "ok", "truncated": False},
    "response_status": 200,
    "error": None,
    "retry_of": None,
    "cancel_requested_at": None,
    "worker": "station-1",
}


class JobName(Output):
    """A job as an execution remembers it; the job may be gone."""

    id: UUID
    name: str | None


class ScriptName(Output):
    """A script as an execution remembers it; the script may be gone."""

    id: UUID
    name: str | None = Field(description="For those who may see the script or look inside the execution.")


class ExecutionOut(Output):
    """The record of one planned slot or of one request."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXECUTION_EXAMPLE]})

    id: UUID
    type: str = Field(description="Kind of target.")
    state: State
    reason: Reason | None = Field(description="Why it ended so, or did not run.")
    trigger: Trigger
    job: JobName | None
    job_id: UUID | None
    script: ScriptName | None = Field(description="The script that it runs.")
    script_id: UUID | None
    step_run: UUID | None = Field(description="The step run that it works for.")
    schedule_id: UUID | None
    owner_id: UUID | None = Field(description="Owner of the job when it was made.")
    scheduled_for: datetime | None = Field(description="The planned slot.")
    slot_until: datetime | None = Field(description="Last slot, when a skipped record stands for a range.")
    slot_count: int = Field(description="How many slots the record stands for.")
    queued_at: datetime
    started_at: datetime | None = Field(description="Start of the first attempt.")
    finished_at: datetime | None
    duration_seconds: float | None = Field(description="From the first start to the end.")
    lateness_seconds: float | None = Field(description="From the planned slot to the first start.")
    attempt: int = Field(description="Attempts made so far.")
    max_attempts: int
    progress: float | None = Field(description="Percent, as the program reports it.")
    stage: str | None = Field(description="What it is doing, as the program reports it.")
    params: dict[str, Any] | None
    result: dict[str, Any] | None = Field(description="What the target answered, cut; for those who may look inside.")
    response_status: int | None
    error: str | None
    retry_of: UUID | None
    cancel_requested_at: datetime | None
    worker: str | None = Field(description="The replica that worked on it last.")

    @classmethod
    def of(cls, execution: Execution, sight: Sight) -> Self:
        """Show an execution to a caller: what the target answered, if they may look inside."""
        job = JobName(id=execution.job_id, name=execution.job_name) if execution.job_id else None
        return cls(
            **execution.model_dump(include=_PLAIN),
            type=execution.kind,
            job=job,
            script=_name_script(execution, sight) if execution.script_id else None,
            step_run=execution.step_run_id,
            lateness_seconds=lateness(execution),
            result=execution.result if sight.may_look_inside(execution) else None,
        )


_PLAIN = set(ExecutionOut.model_fields) - {"type", "job", "script", "step_run", "lateness_seconds", "result"}


def _name_script(execution: Execution, sight: Sight) -> ScriptName:
    assert execution.script_id is not None
    return ScriptName(id=execution.script_id, name=find_script_name(execution, sight))


def find_script_name(execution: Execution, sight: Sight) -> str | None:
    """Return how the script of an execution was called when it was made, if the caller may know."""
    return execution.script_name if sight.may_name_script(execution) else None


def lateness(execution: Execution) -> float | None:
    """Return the seconds from the planned slot to the start of the first attempt, never negative."""
    if execution.scheduled_for is None or execution.started_at is None:
        return None
    return max(0.0, (execution.started_at - execution.scheduled_for).total_seconds())


class AttemptOut(Output):
    """One try of an execution."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 1,
                    "state": "failed",
                    "reason": "server_error",
                    "worker": "station-1",
                    "started_at": "2026-11-21T02:30:00.012Z",
                    "finished_at": "2026-11-21T02:30:00.140Z",
                    "duration_seconds": 0.128,
                    "response_status": 503,
                    "error": "The receiver answered 503.",
                    "retry_at": "2026-11-21T02:30:02.140Z",
                }
            ]
        }
    )

    number: int
    state: State
    reason: Reason | None
    worker: str | None
    started_at: datetime
    finished_at: datetime | None
    duration_seconds: float | None
    response_status: int | None
    error: str | None
    retry_at: datetime | None = Field(description="When the next attempt may begin.")

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        seconds = (attempt.finished_at - attempt.started_at).total_seconds()
        return cls(**attempt.model_dump(exclude={"execution_id"}), duration_seconds=seconds)

    @classmethod
    def under_way(cls, execution: Execution) -> Self:
        """Show the attempt that has not ended, as it stands in the execution."""
        assert execution.attempt_started_at is not None
        return cls(
            number=execution.attempt,
            state=State.RUNNING,
            reason=None,
            worker=execution.worker,
            started_at=execution.attempt_started_at,
            finished_at=None,
            duration_seconds=None,
            response_status=None,
            error=None,
            retry_at=None,
        )


STATISTICS_EXAMPLE: JsonDict = {
    "total": 120,
    "by_state": {"succeeded": 110, "failed": 5, "skipped": 5},
    "succeeded": 110,
    "failed": 5,
    "running": 0,
    "queued": 0,
    "skipped_slots": 7,
    "success_rate": 95.65,
    "average_duration_seconds": 0.42,
    "longest_duration_seconds": 3.1,
}
_PERCENTILES: JsonDict = {"p50": 0.4, "p90": 0.9, "p95": 1.2, "p99": 2.0, "longest": 3.1}
FIGURES_EXAMPLE: JsonDict = {
    **STATISTICS_EXAMPLE,
    "duration_seconds": _PERCENTILES,
    "lateness_seconds": _PERCENTILES,
    "trend": [
        {
            "date": "2026-11-21",
            "total": 12,
            "succeeded": 11,
            "failed": 1,
            "skipped_slots": 0,
            "average_duration_seconds": 0.42,
        }
    ],
}


class StatisticsOut(Output):
    """Executions counted by state, and how long those that ran took."""

    model_config = ConfigDict(json_schema_extra={"examples": [STATISTICS_EXAMPLE]})

    total: int = Field(description="Records in the range.")
    by_state: dict[State, int]
    succeeded: int
    failed: int = Field(description="Failed, timed out and lost together.")
    running: int
    queued: int
    skipped_slots: int = Field(description="Planned slots that did not run.")
    success_rate: float | None = Field(description="Percent of the ended runs that succeeded; null when none ended.")
    average_duration_seconds: float | None = Field(description="Of the runs that succeeded.")
    longest_duration_seconds: float | None


class PercentilesOut(Output):
    """Values by rank: a p95 of 3 says that one in twenty took more than 3. Of the newest 10,000; null without any."""

    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    longest: float | None


class DayOut(Output):
    """The executions that were queued on one day (UTC)."""

    date: date
    total: int
    succeeded: int
    failed: int
    skipped_slots: int
    average_duration_seconds: float | None


class FiguresOut(StatisticsOut):
    """Executions counted by state, and how long, how late and on which days."""

    model_config = ConfigDict(json_schema_extra={"examples": [FIGURES_EXAMPLE]})

    duration_seconds: PercentilesOut = Field(description="Of the runs that succeeded.")
    lateness_seconds: PercentilesOut = Field(description="From the slot to the beginning of the run, of planned runs.")
    trend: list[DayOut] = Field(
        description="By day, oldest first; of the last 31 days unless `from` says otherwise, 366 at most."
    )


class WorkerOut(Output):
    """A replica that executes work."""

    name: str
    started_at: datetime
    seen_at: datetime = Field(description="When it last reported.")
    in_flight: int = Field(description="Attempts under way when it last reported.")
