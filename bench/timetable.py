"""Puts jobs and schedules into a database by the thousand, as the API would have stored them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bench.replica import EMAIL, PASSWORD, SECRET_KEY
from stationmaster.db.base import SECRETS_AT_REST, table_of
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import OnLost, Spec
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.specs import make_spec
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.slots import Misfire
from stationmaster.domains.taxonomy.models import GENERAL_ID
from stationmaster.domains.users import management as users
from stationmaster.domains.users.models import User
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Keyring, Sealer

BODY = {"event": "bench", "message": "The train on platform two leaves in five minutes.", "numbers": [1, 2, 3]}
TIMEOUT_SECONDS = 30.0
OWNERS = 8
CHUNK = 2000
FAR_AWAY = datetime(2999, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """One job with one schedule: every `interval_seconds`, or (None) at a single instant that is set later."""

    url: str
    interval_seconds: int | None = None
    overlap: Overlap = field(default_factory=Overlap)
    misfire: Misfire = field(default_factory=Misfire)


@dataclass(frozen=True)
class Stored:
    """What became of a plan."""

    plan: Plan
    job_id: UUID
    schedule_id: UUID


def spread(ports: Sequence[int], count: int, path: str = "/hook", **facts: Any) -> list[Plan]:
    """Return plans for webhooks to the ports in turn."""
    return [Plan(f"http://127.0.0.1:{ports[index % len(ports)]}{path}", **facts) for index in range(count)]


async def store(database: Database, plans: Sequence[Plan]) -> list[Stored]:
    """Store a job for each plan, with a schedule that has no slot yet; the jobs belong to several people in turn."""
    owners = await _make_owners(database)
    sealer = Keyring((SECRET_KEY,)).sealer(SECRETS_AT_REST)
    stored: list[Stored] = []
    for start in range(0, len(plans), CHUNK):
        chunk = plans[start : start + CHUNK]
        rows = [_rows(sealer, plan, owners[index % OWNERS], start + index) for index, plan in enumerate(chunk)]
        async with unit_of_work(database) as session:
            for position, table in enumerate((table_of(Spec), table_of(Job), table_of(Schedule))):
                await session.execute(sa.insert(table), [row[position] for row in rows])
        stored += [Stored(plan, row[1]["id"], row[2]["id"]) for plan, row in zip(chunk, rows, strict=True)]
    return stored


async def _make_owners(database: Database) -> list[UUID]:
    """Store the superadmin by whom the API is used, and others with the same password."""
    async with unit_of_work(database) as session:
        await users.ensure_first_superadmin(session, email=EMAIL, password=PASSWORD)
    async with unit_of_work(database) as session:
        first = (await session.scalars(sa.select(User))).one()
        facts = first.model_dump(exclude={"id", "email", "username", "username_key"})
        others = [User(**facts, email=f"owner-{number}@example.com") for number in range(1, OWNERS)]
        session.add_all(others)
        return [first.id, *(other.id for other in others)]


def _rows(sealer: Sealer, plan: Plan, owner_id: UUID, number: int) -> tuple[Row, Row, Row]:
    target = WebhookTarget.model_validate({"type": "webhook", "url": plan.url, "body": BODY | {"number": number}})
    job_id = new_id()
    spec = make_spec(
        sealer,
        target=target,
        host=plan.url.split("/")[2],
        timeout_seconds=TIMEOUT_SECONDS,
        retry=Retry(),
        on_lost=OnLost.RETRY,
        overlap=plan.overlap,
        default_key=f"job:{job_id}",
    )
    return spec.model_dump(), _job_row(job_id, owner_id, plan, target, spec.id), _schedule_row(job_id, plan)


def _job_row(job_id: UUID, owner_id: UUID, plan: Plan, target: WebhookTarget, spec_id: UUID) -> Row:
    return {
        "id": job_id,
        "name": f"bench {job_id}",
        "owner_id": owner_id,
        "target": target.model_dump(mode="json", exclude_unset=True),
        "misfire": plan.misfire.model_dump(mode="json", exclude_unset=True),
        "overlap": plan.overlap.model_dump(mode="json", exclude_unset=True),
        "retry": {},
        "timeout_seconds": TIMEOUT_SECONDS,
        "on_lost": OnLost.RETRY.value,
        "metadata": {},
        "category_id": GENERAL_ID,
        "notifications": {},
        "spread_seconds": 0,
        "auto_pause_after_failures": 0,
        "failures_in_a_row": 0,
        "is_watched": False,
        "spec_id": spec_id,
        "is_active": True,
    }


def _schedule_row(job_id: UUID, plan: Plan) -> Row:
    return {
        "id": new_id(),
        "job_id": job_id,
        "interval_seconds": plan.interval_seconds,
        "run_at": None if plan.interval_seconds else FAR_AWAY,
        "timezone": "UTC",
        "anchor_at": FAR_AWAY,
        "is_active": True,
        "offset_seconds": 0,
        "failures": 0,
    }


async def make_due(session: AsyncSession, at: datetime) -> None:
    """Let every one-time schedule run at this instant."""
    schedules = table_of(Schedule)
    once = schedules.c.run_at.is_not(None)
    await session.execute(sa.update(schedules).where(once).values(run_at=at, next_run_at=at, last_slot_at=None))


async def begin_intervals(session: AsyncSession, first: datetime) -> None:
    """Let every interval schedule have its first slot at this instant."""
    await _change_intervals(session, anchor_at=first, starts_at=first, next_run_at=first)


async def end_intervals(session: AsyncSession, end: datetime) -> None:
    """Let no interval schedule have a slot at or after this instant, which lies further ahead than their next slots."""
    await _change_intervals(session, ends_at=end)


async def _change_intervals(session: AsyncSession, **facts: datetime) -> None:
    """Change them as if they had always been so: the auditor looks at slots since `updated_at` only."""
    schedules = table_of(Schedule)
    unchanged = {"updated_at": schedules.c.updated_at}
    await session.execute(
        sa.update(schedules).where(schedules.c.interval_seconds.is_not(None)).values(unchanged | facts)
    )
