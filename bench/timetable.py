"""Puts jobs and schedules into a database by the thousand, as the API would have stored them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bench.replica import SECRET_KEY
from stationmaster.db.base import table_of
from stationmaster.db.engine import open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import OnLost, Spec
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.specs import make_spec
from stationmaster.domains.executions.targets import WebhookTarget
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.slots import Misfire
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.kit.keys import derive_key
from stationmaster.kit.sealing import Sealer

BODY = {"event": "bench", "message": "The train on platform two leaves in five minutes.", "numbers": [1, 2, 3]}
CHUNK = 2000


@dataclass(frozen=True)
class Plan:
    """One job with one schedule: an interval, or (None) a single instant."""

    url: str
    interval_seconds: int | None = None
    retry: Retry = field(default_factory=Retry)
    overlap: Overlap = field(default_factory=Overlap)
    misfire: Misfire = field(default_factory=Misfire)


def spread(ports: Sequence[int], count: int, **facts: Any) -> list[Plan]:
    """Return plans for webhooks to the ports in turn."""
    return [Plan(f"http://127.0.0.1:{ports[index % len(ports)]}/hook", **facts) for index in range(count)]


async def store(url: str, plans: Sequence[Plan]) -> list[UUID]:
    """Store a job for each plan, with a schedule that is not planned yet; return the ids of the schedules."""
    sealer = Sealer(derive_key(SECRET_KEY, "secrets at rest"))
    ids: list[UUID] = []
    async with open_database(url) as database:
        for start in range(0, len(plans), CHUNK):
            rows = [_rows(sealer, plan, start + index) for index, plan in enumerate(plans[start : start + CHUNK])]
            async with unit_of_work(database) as session:
                for table, position in ((Spec, 0), (Job, 1), (Schedule, 2)):
                    await session.execute(sa.insert(table_of(table)), [row[position] for row in rows])
            ids += [row[2]["id"] for row in rows]
    return ids


def _rows(sealer: Sealer, plan: Plan, number: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    target = WebhookTarget.model_validate({"type": "webhook", "url": plan.url, "body": BODY | {"number": number}})
    job_id, now = new_id(), clock.now()
    spec = make_spec(
        sealer,
        target=target,
        host=plan.url.split("/")[2],
        timeout_seconds=30,
        retry=plan.retry,
        on_lost=OnLost.RETRY,
        overlap=plan.overlap,
        default_key=f"job:{job_id}",
    )
    job = {
        "id": job_id,
        "name": f"bench {job_id}",
        "target": target.model_dump(mode="json", exclude_unset=True),
        "misfire": plan.misfire.model_dump(mode="json", exclude_unset=True),
        "overlap": plan.overlap.model_dump(mode="json", exclude_unset=True),
        "retry": plan.retry.model_dump(mode="json", exclude_unset=True),
        "timeout_seconds": 30,
        "on_lost": "retry",
        "metadata": {},
        "spec_id": spec.id,
        "is_active": True,
        "created_at": now,
        "updated_at": now,
    }
    return spec.model_dump(), job, _schedule_row(job_id, plan, now)


def _schedule_row(job_id: UUID, plan: Plan, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "job_id": job_id,
        "interval_seconds": plan.interval_seconds,
        "run_at": None if plan.interval_seconds else now,
        "timezone": "UTC",
        "anchor_at": now,
        "is_active": True,
        "failures": 0,
        "created_at": now,
        "updated_at": now,
    }


async def make_due(session: AsyncSession, at: datetime) -> None:
    """Let every one-time schedule run at this instant."""
    schedules = table_of(Schedule)
    await session.execute(
        sa.update(schedules).where(schedules.c.run_at.is_not(None)).values(run_at=at, next_run_at=at, last_slot_at=None)
    )


async def begin_intervals(session: AsyncSession, at: datetime) -> None:
    """Let every interval schedule count from this instant, its first slot."""
    schedules = table_of(Schedule)
    await session.execute(
        sa.update(schedules).where(schedules.c.interval_seconds.is_not(None)).values(anchor_at=at, next_run_at=at)
    )


def full_second_after(now: datetime, wait: timedelta) -> datetime:
    """Return the first full second at least `wait` from now."""
    return (now + wait).replace(microsecond=0) + timedelta(seconds=1)

