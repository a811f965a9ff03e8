"""What dashboards show."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from stationmaster.domains.processes.schemas import ProcessOut
from stationmaster.domains.runs.status import RunStatus
from stationmaster.web.paging import LargePage
from stationmaster.web.schema import Output

STATISTICS_EXAMPLE: JsonDict = {
    "total_runs": 120,
    "completed_runs": 90,
    "failed_runs": 10,
    "running_runs": 12,
    "cancelled_runs": 3,
    "pending_runs": 5,
    "success_rate": 90.0,
    "average_completion_time": 3600.5,
    "p95_completion_time": 7200.0,
}


class StatisticsOut(Output):
    """Runs, counted and summed up. Times are in seconds, of completed runs."""

    model_config = ConfigDict(json_schema_extra={"examples": [STATISTICS_EXAMPLE]})

    total_runs: int
    completed_runs: int
    failed_runs: int
    running_runs: int
    cancelled_runs: int
    pending_runs: int
    success_rate: float | None = Field(description="Completed of those completed or failed, in percent.")
    average_completion_time: float | None
    p95_completion_time: float | None = Field(
        description="What 95 % of them did not exceed; only where it is asked of one."
    )


class StepFiguresOut(Output):
    """Where the runs stand at one step."""

    step_id: UUID
    name: str = Field(examples=["check"])
    index: int
    pending: int
    running: int
    success: int
    failed: int
    cancelled: int
    optional: int
    skipped: int
    success_rate: float | None = Field(description="Successes of those that succeeded or failed, in percent.")


class TrendOut(Output):
    """What became of the runs that began on one day (UTC)."""

    date: date
    total: int
    completed: int
    failed: int
    success_rate: float | None
    average_completion_time: float | None


class DashboardRunOut(Output):
    """A run on a dashboard."""

    id: UUID
    entity_id: str | None = Field(description="Null for viewers.", examples=["case-4711"])
    entity_name: str | None = Field(description="Null for viewers.")
    status: RunStatus
    meta: dict[str, Any] | None = Field(description="Null for viewers.")
    started_at: datetime | None
    finished_at: datetime | None
    duration_seconds: float | None
    created_at: datetime
    success_rate: float | None = Field(description="Its steps that succeeded, in percent.")


class ProcessDashboardOut(Output):
    """How one process is doing."""

    process: ProcessOut
    runs: LargePage[DashboardRunOut] = Field(description="Newest first.")
    statistics: StatisticsOut
    steps: list[StepFiguresOut]
    trend: list[TrendOut]


class ProcessFiguresOut(Output):
    """The figures of one process among others."""

    process_id: UUID
    name: str = Field(examples=["building-permits"])
    statistics: StatisticsOut


class DashboardOut(Output):
    """How all processes are doing."""

    statistics: StatisticsOut
    processes: list[ProcessFiguresOut]
    trend: list[TrendOut]
