"""The scheduler as operators see it."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from stationmaster.db import leases
from stationmaster.db.clock import database_now
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions.schemas import WorkerOut
from stationmaster.entrypoints.scheduler.leader import LEASE
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.schema import Output
from stationmaster.web.session import ReadSessionDep

router = APIRouter(prefix="/scheduler", tags=["operations"], route_class=Operation)


class SchedulerOut(Output):
    """Who leads, how punctual executions start, what waits, and which replicas work."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "leader": "station-1",
                    "epoch": 7,
                    "since": "2026-11-21T08:00:00.000Z",
                    "lateness_p50_seconds": 0.012,
                    "lateness_p99_seconds": 0.09,
                    "queue_depth": 0,
                    "replicas": [
                        {
                            "name": "station-1",
                            "started_at": "2026-11-21T08:00:00.000Z",
                            "seen_at": "2026-11-21T08:30:00.000Z",
                            "in_flight": 3,
                        }
                    ],
                }
            ]
        }
    )

    leader: str | None = Field(description="Replica that leads; null while nobody does.")
    epoch: int | None = Field(description="Number of its term.")
    since: datetime | None = Field(description="Beginning of its term.")
    lateness_p50_seconds: float | None = Field(description="Of the last thousand scheduled executions.")
    lateness_p99_seconds: float | None
    queue_depth: int = Field(description="Executions that are due and wait.")
    replicas: list[WorkerOut]


@router.get("", summary="Read the state of the scheduler", responses=problems(403))
async def get_scheduler(_actor: RequireAdmin, session: ReadSessionDep) -> SchedulerOut:
    """Read who leads, how punctual executions start, what waits, and which replicas work."""
    lease = await leases.find_lease(session, LEASE)
    is_led = lease is not None and lease.expires_at > await database_now(session)
    lateness = await executions.measure_lateness(session)
    return SchedulerOut(
        leader=lease.holder if lease and is_led else None,
        epoch=lease.epoch if lease else None,
        since=lease.acquired_at if lease and is_led else None,
        lateness_p50_seconds=lateness.p50,
        lateness_p99_seconds=lateness.p99,
        queue_depth=await executions.count_due(session),
        replicas=[WorkerOut.model_validate(worker) for worker in await executions.list_workers(session)],
    )
