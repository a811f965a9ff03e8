"""Many webhooks due at the same second: how soon they are recorded as due, started, and recorded as done."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.caller import Answers, calling
from bench.figures import percentile
from bench.replica import Replica, running_replica, settings_for
from bench.stand import Stand, Template
from bench.timetable import Plan, make_due, spread
from stationmaster.db.base import table_of
from stationmaster.db.engine import Database, open_database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.domains.jobs.models import Schedule
from stationmaster.kit import clock

LEAD_SECONDS = 2
LOOK_SECONDS = 0.02
DAY_SECONDS = 86_400

executions = table_of(Execution)
schedules = table_of(Schedule)


@dataclass(frozen=True)
class Burst:
    """The figures of one burst; seconds count from the instant at which all was due."""

    count: int
    rows_seconds: float
    recorded_seconds: float
    per_second: float
    """From the first start to the last finish."""
    per_second_from_due: float
    """From the due instant until all is recorded."""
    lateness: Sequence[float]
    cpu_microseconds: float
    """Of the service, for each execution, all it did meanwhile included."""
    rss_mb: float
    answers: Answers


def make_plans(ports: Sequence[int], count: int) -> list[Plan]:
    """Return `count` jobs that are due once, and one that is run by hand."""
    return [*spread(ports, count), *spread(ports, 1, interval_seconds=DAY_SECONDS)]


async def measure_burst(stand: Stand, template: Template, count: int, log: Path, *, has_readers: bool) -> Burst:
    """Start the service on a copy of the template, let all be due, and watch; with somebody at the API meanwhile or not."""
    async with stand.copy(template) as url:
        await stand.settle()
        settings = settings_for(url, stand.folder / "data")
        async with running_replica(settings, log) as replica, open_database(url) as database:
            assert template.by_hand is not None
            async with calling(replica.base, template.by_hand) as caller:
                due = await _let_be_due(database)
                async with caller.measuring() if has_readers else nullcontext(Answers()) as answers:
                    watched = await _watch(database, due, replica)
            return _sum_up(await _read(database, due), due, count, watched, answers)


async def _let_be_due(database: Database) -> datetime:
    """Let everything be due soon; come back at that instant."""
    async with unit_of_work(database) as session:
        due = clock.now().replace(microsecond=0) + timedelta(seconds=LEAD_SECONDS + 1)
        await make_due(session, due)
    await asyncio.sleep((due - clock.now()).total_seconds())
    return due


@dataclass(frozen=True)
class _Watched:
    rows_seconds: float
    recorded_seconds: float
    cpu_seconds: float
    rss_mb: float


async def _watch(database: Database, due: datetime, replica: Replica) -> _Watched:
    """Wait until no schedule is due any more, and then until nothing is left to do."""
    cpu = replica.cpu_seconds()
    is_scheduled = executions.c.trigger == Trigger.SCHEDULE
    undecided = sa.select(sa.exists().where(schedules.c.next_run_at == due))
    queued = sa.exists().where(executions.c.state == State.QUEUED, ~executions.c.is_held, is_scheduled)
    running = sa.exists().where(executions.c.state == State.RUNNING, is_scheduled)
    return _Watched(
        rows_seconds=await _wait_until_false(database, undecided, due),
        recorded_seconds=await _wait_until_false(database, sa.select(sa.or_(queued, running)), due),
        cpu_seconds=replica.cpu_seconds() - cpu,
        rss_mb=replica.rss_mb(),
    )


async def _wait_until_false(database: Database, question: sa.Select[bool], due: datetime) -> float:
    while True:
        async with read_only(database) as session:
            if not await session.scalar(question):
                return (clock.now() - due).total_seconds()
        await asyncio.sleep(LOOK_SECONDS)


async def _read(database: Database, due: datetime) -> Sequence[Any]:
    columns = (executions.c.state, executions.c.started_at, executions.c.finished_at)
    async with read_only(database) as session:
        return (await session.execute(sa.select(*columns).where(executions.c.scheduled_for == due))).all()


def _sum_up(rows: Sequence[Any], due: datetime, count: int, watched: _Watched, answers: Answers) -> Burst:
    states = {row.state for row in rows}
    assert len(rows) == count, f"{len(rows)} executions instead of {count}"
    assert states == {State.SUCCEEDED}, f"some executions ended otherwise: {states}"
    span = max(row.finished_at for row in rows) - min(row.started_at for row in rows)
    return Burst(
        count=count,
        rows_seconds=watched.rows_seconds,
        recorded_seconds=watched.recorded_seconds,
        per_second=count / span.total_seconds(),
        per_second_from_due=count / watched.recorded_seconds,
        lateness=[(row.started_at - due).total_seconds() for row in rows],
        cpu_microseconds=watched.cpu_seconds / count * 1e6,
        rss_mb=watched.rss_mb,
        answers=answers,
    )


def figures_of(bursts: Sequence[Burst]) -> Mapping[str, list[float]]:
    """Return the figures of several rounds, by name."""
    return {
        "rows_seconds": [burst.rows_seconds for burst in bursts],
        "recorded_seconds": [burst.recorded_seconds for burst in bursts],
        "per_second": [burst.per_second for burst in bursts],
        "per_second_from_due": [burst.per_second_from_due for burst in bursts],
        "lateness_p50_seconds": [percentile(burst.lateness, 0.5) for burst in bursts],
        "lateness_p99_seconds": [percentile(burst.lateness, 0.99) for burst in bursts],
        "cpu_microseconds": [burst.cpu_microseconds for burst in bursts],
        "rss_mb": [burst.rss_mb for burst in bursts],
    }


def answers_of(bursts: Sequence[Burst]) -> Mapping[str, list[float]]:
    """Return how the API answered in several rounds, by name."""
    return {
        "api_list_p50_seconds": [percentile(burst.answers.lists, 0.5) for burst in bursts],
        "api_list_p99_seconds": [percentile(burst.answers.lists, 0.99) for burst in bursts],
        "api_execute_p50_seconds": [percentile(burst.answers.executes, 0.5) for burst in bursts],
        "api_execute_p99_seconds": [percentile(burst.answers.executes, 0.99) for burst in bursts],
        "api_refused": [float(burst.answers.refused) for burst in bursts],
    }
