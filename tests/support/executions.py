"""Builders for tests of the engine: specs, queued executions, and an executor that does as it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions import intake, specs
from stationmaster.domains.executions.executor import Context, Outcome
from stationmaster.domains.executions.models import Attempt, Execution, OnLost, Spec
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.report_tokens import ReportTokens
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.kit.sealing import Sealer

SEALER = Sealer(b"k" * 32)
TOKENS = ReportTokens("a secret key of the tests, long enough")
SUCCESS = Outcome(State.SUCCEEDED, response_status=200)


def webhook(url: str = "http://receiver.test/hook", **fields: Any) -> WebhookTarget:
    """Make a target."""
    return WebhookTarget.model_validate({"type": "webhook", "url": url, **fields})


def make_spec(
    *,
    target: Target | None = None,
    host: str | None = "receiver.test:80",
    retry: Retry | None = None,
    on_lost: OnLost = OnLost.RETRY,
    overlap: Overlap | None = None,
    key: str = "job:1",
    timeout_seconds: float = 5,
    sealer: Sealer = SEALER,
) -> Spec:
    """Make a spec; by default overlaps are allowed."""
    return specs.make_spec(
        sealer,
        target=target or webhook(),
        host=host,
        timeout_seconds=timeout_seconds,
        retry=retry or Retry(),
        on_lost=on_lost,
        overlap=overlap or Overlap.model_validate({"policy": "allow"}),
        default_key=key,
    )


async def queue_up(session: AsyncSession, spec: Spec, count: int = 1, **facts: Any) -> list[UUID]:
    """Put executions of one spec into the queue and return their ids in order."""
    if await session.get(Spec, spec.id) is None:
        session.add(spec)
        await session.flush()
    now = await database_now(session)
    proposals = [intake.propose(spec, spec.id, trigger=Trigger.MANUAL, now=now, **facts) for _ in range(count)]
    await intake.take_in(session, proposals)
    return [proposal.row["id"] for proposal in proposals]


async def store(database: Database, spec: Spec, count: int = 1, **facts: Any) -> list[UUID]:
    """Queue executions in a transaction of their own."""
    async with unit_of_work(database) as session:
        return await queue_up(session, spec, count, **facts)


async def end_execution(database: Database, id_: UUID) -> None:
    """Let an execution have succeeded."""
    async with unit_of_work(database) as session:
        values = {"state": State.SUCCEEDED, "finished_at": await database_now(session)}
        await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(values))


async def read(database: Database, id_: UUID) -> Execution:
    """Read an execution as it stands."""
    async with read_only(database) as session:
        execution = await session.get(Execution, id_)
    assert execution is not None
    return execution


async def read_attempts(database: Database, id_: UUID) -> list[Attempt]:
    """Read the ended attempts of an execution, oldest first."""
    async with read_only(database) as session:
        statement = select(Attempt).where(Attempt.execution_id == id_).order_by("number")
        return list(await session.scalars(statement))


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


async def ended(database: Database, id_: UUID, seconds: float = 10) -> Execution:
    """Wait until an execution has ended and return it."""

    async def has_ended() -> bool:
        return (await read(database, id_)).finished_at is not None

    await eventually(has_ended, seconds)
    return await read(database, id_)


@dataclass
class ScriptedExecutor:
    """Plays one outcome after the other (the last one again and again); can be made to wait."""

    outcomes: list[Outcome | Exception] = field(default_factory=lambda: [SUCCESS])
    kind: str = "webhook"
    calls: list[Context] = field(default_factory=list)
    stopped: list[UUID] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    busy: int = 0
    most_busy: int = 0

    async def run(self, target: Target, context: Context) -> Outcome:
        self.calls.append(context)
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        self.began.set()
        try:
            if self.gate:
                await self.gate.wait()
        finally:
            self.busy -= 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def stop(self, target: Target, context: Context) -> None:
        self.stopped.append(context.execution_id)

    def check(self, target: Target) -> None:
        return

    def host_of(self, target: Target) -> str | None:
        return "receiver.test:80"


def ago(instant: datetime, seconds: float) -> datetime:
    """Return an instant some seconds earlier."""
    return instant - timedelta(seconds=seconds)
