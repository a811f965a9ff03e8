"""What a tick costs by itself, without anything else going on: `python -m bench.ticks DATABASE DUE ASLEEP` prints JSON.

`DUE` schedules that are due once are in the database already; `ASLEEP` more that are not due for long are added, and the same
ticks are measured again among them, and ticks that find nothing.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
import uvloop

from bench.figures import median, percentile
from bench.timetable import FAR_AWAY, make_due
from stationmaster.db import leases
from stationmaster.db.base import table_of
from stationmaster.db.engine import Database, open_database
from stationmaster.db.leases import Term
from stationmaster.db.session import unit_of_work
from stationmaster.domains.jobs import tick as ticking
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id

TERM = timedelta(hours=1)
ROUNDS = 3
LOOKS = 200
CHUNK = 10_000


async def measure(url: str, due: int, asleep: int) -> dict[str, float]:
    """Measure ticks that decide `due` schedules, and ticks that find nothing among all schedules."""
    async with open_database(url) as database:
        async with unit_of_work(database) as session:
            term = await leases.acquire(session, name="scheduler", holder="bench", ttl=TERM)
        assert term is not None
        gc.freeze()
        busy = [await _decide_all(database, term, due) for _ in range(ROUNDS)]
        await _add_asleep(database, asleep)
        among = [await _decide_all(database, term, due) for _ in range(ROUNDS)] if asleep else busy
        looks = [await _look(database, term) for _ in range(LOOKS)]
    return {
        "due": due,
        "seconds": median([wall for wall, _ in busy]),
        "cpu_microseconds_each": median([cpu / due * 1e6 for _, cpu in busy]),
        "asleep": asleep,
        "seconds_among": median([wall for wall, _ in among]),
        "nothing_due_p50_ms": percentile(looks, 0.5) * 1000,
        "nothing_due_p99_ms": percentile(looks, 0.99) * 1000,
    }


async def _decide_all(database: Database, term: Term, due: int) -> tuple[float, float]:
    """Let all be due, and tick until nothing is; return wall and processor seconds."""
    async with unit_of_work(database) as session:
        await make_due(session, clock.now().replace(microsecond=0) - timedelta(seconds=1))
    began, cpu = time.perf_counter(), time.process_time()
    decided = 0
    while decided < due:
        async with unit_of_work(database, engine=database.control) as session:
            decided += await ticking.tick(session, term)
    return time.perf_counter() - began, time.process_time() - cpu


async def _look(database: Database, term: Term) -> float:
    """Tick while nothing is due, and ask for the next slot, as the scheduler does each second."""
    began = time.perf_counter()
    async with unit_of_work(database, engine=database.control) as session:
        assert await ticking.tick(session, term) == 0
        await ticking.seconds_to_next(session)
    return time.perf_counter() - began


async def _add_asleep(database: Database, count: int) -> None:
    """Add schedules that are planned for a far future to one of the jobs."""
    async with unit_of_work(database) as session:
        job_id = (await session.scalars(sa.select(table_of(Job).c.id).limit(1))).one()
    for start in range(0, count, CHUNK):
        rows = [_asleep(job_id, start + index) for index in range(min(CHUNK, count - start))]
        async with unit_of_work(database) as session:
            await session.execute(sa.insert(table_of(Schedule)), rows)
    if not database.is_sqlite:
        async with unit_of_work(database) as session:
            await session.execute(sa.text("ANALYZE schedules"))


def _asleep(job_id: UUID, number: int) -> dict[str, object]:
    return {
        "id": new_id(),
        "job_id": job_id,
        "interval_seconds": 60,
        "timezone": "UTC",
        "anchor_at": FAR_AWAY,
        "next_run_at": FAR_AWAY + timedelta(seconds=number),
        "is_active": True,
        "offset_seconds": 0,
        "failures": 0,
    }


async def measure_ticks(url: str, due: int, asleep: int) -> Mapping[str, float]:
    """Measure in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.ticks", url, str(due), str(asleep), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, "the measurement of ticks failed"
    figures: dict[str, float] = json.loads(output)
    return figures


def main() -> None:
    url, due, asleep = sys.argv[1:]
    print(json.dumps(uvloop.run(measure(url, int(due), int(asleep)))))


if __name__ == "__main__":
    main()
