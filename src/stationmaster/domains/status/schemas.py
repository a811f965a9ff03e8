"""What the API shows of the status log."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from stationmaster.web.schema import Output


class StatusOut(Output):
    """What there was at one instant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e",
                    "timestamp": "2026-11-21T08:30:00.000Z",
                    "executions_active": 7,
                    "executions_ready": 2,
                    "executions_running": 4,
                    "executions_finished": 81200,
                    "executions_failed": 93,
                    "executions_cancelled": 12,
                    "executions_count": 81420,
                    "users_count": 14,
                    "scripts_count": 9,
                    "memory_available_percent": 61.5,
                    "cpu_usage_percent": 12.3,
                }
            ]
        }
    )

    id: UUID
    timestamp: datetime
    executions_active: int = Field(description="Queued or running.")
    executions_ready: int = Field(description="Due, and waiting for a replica.")
    executions_running: int
    executions_finished: int = Field(description="Succeeded.")
    executions_failed: int = Field(description="Failed, timed out or lost.")
    executions_cancelled: int
    executions_count: int = Field(description="All that are on record, skipped ones too.")
    users_count: int
    scripts_count: int
    memory_available_percent: float = Field(description="Of the machine that leads.")
    cpu_usage_percent: float = Field(description="Of the machine that leads, since the look before.")
