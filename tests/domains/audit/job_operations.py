"""How to prepare the operations on jobs, so that they succeed."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stationmaster.db.session import unit_of_work
from stationmaster.domains.jobs.models import EVERYTHING, MaintenancePause
from stationmaster.kit import clock
from stationmaster.kit.instants import format_instant
from tests.support.work import TARGET, set_job

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


CSV = b"Name,Url\nuploaded,https://receiver.example/hook\n"


async def several_jobs(stage: "Stage") -> dict[str, Any]:
    return {"json": {"action": "disable", "ids": [stage.objects["job_id"]]}}


JOB_ROWS: dict[str, tuple[str, Any]] = {
    "create_category": ("boss", {"json": {"name": "Reports"}}),
    "update_category": ("boss", {"json": {"name": "Renamed"}}),
    "delete_category": ("boss", {}),
    "create_team": ("boss", {"json": {"name": "Night shift"}}),
    "update_team": ("boss", {"json": {"slack_handle": "@nights"}}),
    "delete_team": ("boss", {}),
    "create_calendar": ("owner", {"json": {"name": "holidays"}}),
    "update_calendar": ("owner", {"json": {"dates": ["2099-12-25"]}}),
    "delete_calendar": ("owner", {}),
    "import_jobs": (
        "owner",
        {"json": {"document": {"version": 1, "jobs": [{"name": "imported", "target": TARGET}]}, "mode": "apply"}},
    ),
    "change_jobs": ("owner", several_jobs),
    "upload_jobs": ("owner", {"files": {"file": ("jobs.csv", CSV)}}),
    "pause_jobs": ("boss", {}),
    "resume_jobs": ("boss", resume_jobs),
    "put_state": ("owner", {"json": {"cursor": 1}}),
    "delete_state": ("owner", {}),
    "backfill_job": ("owner", backfill),
}
"""Who calls, and with what or how that is prepared; the other operations on jobs are in `operations`."""
