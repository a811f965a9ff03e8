"""How to prepare the operations on jobs, so that they succeed."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stationmaster.db.session import unit_of_work
from stationmaster.domains.jobs.models import EVERYTHING, MaintenancePause
from stationmaster.kit import clock
from stationmaster.kit.instants import format_instant
from tests.support.work import set_job

if TYPE_CHECKING:
    from tests.domains.audit.operations import Stage


async def resume_job(stage: "Stage") -> dict[str, Any]:
    await set_job(stage.app.state.database, UUID(stage.objects["job_id"]), paused_at=clock.now())
    return {}


async def resume_jobs(stage: "Stage") -> dict[str, Any]:
    async with unit_of_work(stage.app.state.database) as session:
        await session.merge(MaintenancePause(scope_id=EVERYTHING, paused_at=clock.now()))
    return {}


async def backfill(_stage: "Stage") -> dict[str, Any]:
    now = clock.now()
    return {"json": {"from": format_instant(now - timedelta(hours=1)), "to": format_instant(now)}}
