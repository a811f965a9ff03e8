"""Reads a list of a million executions: the first page, the ten thousandth, and by cursor at any depth.

`python -m bench.lists [--rows N] [--json FILE]` fills a database of each kind by SQL, asks the application itself (in this
process, without a network between) and shows for each read how long it took and the plan of its statement.
"""

import asyncio
import json as json_module
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx
import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import event

from bench.figures import percentile
from bench.replica import EMAIL, PASSWORD, SECRET_KEY
from bench.stand import DIALECTS, Dialect, Stand, open_stand
from stationmaster.app import create_app
from stationmaster.config import RunnerSettings, Settings
from stationmaster.db.engine import Database, open_database
from stationmaster.kit.ids import new_id
from stationmaster.lifespan import lifespan

JOBS = 1000
CHUNK = 50_000
SIZE = 50
PAUSE_SECONDS = 3.0
"""A read that takes longer is not repeated so often."""

# One execution a second up to the end of 2026-11-20; of a hundred, 96 succeeded, three failed and one was skipped.
POSTGRESQL_ROWS = """
INSERT INTO executions (
    id, kind, trigger, state, reason, job_id, job_name, owner_id, scheduled_for, slot_count, queued_at, available_at, turn_at,
    started_at, finished_at, duration_seconds, attempt, max_attempts, crash_count, is_held, worker, response_status
)
SELECT
    (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid,
    'webhook', 'schedule', state, CASE state WHEN 'failed' THEN 'server_error' WHEN 'skipped' THEN 'overlap' END,
    ('00000000-0000-7000-8000-' || lpad(to_hex(n % :jobs), 12, '0'))::uuid, 'job ' || n % :jobs, NULL,
    at, 1, at, at, at, at, at + interval '0.2 s', 0.2, 1, 1, 0, false, 'station-1',
    CASE state WHEN 'failed' THEN 503 WHEN 'succeeded' THEN 200 END
FROM (
    SELECT n, at, (extract(epoch FROM at) * 1000)::bigint AS ms,
        CASE WHEN n % 100 = 0 THEN 'skipped' WHEN n % 100 < 4 THEN 'failed' ELSE 'succeeded' END AS state
    FROM (
        SELECT n, timestamptz '2026-11-21 00:00Z' - (:rows - n) * interval '1 s' AS at
        FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    ) AS numbered
) AS made
"""
SQLITE_ROWS = """
WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
made AS (
    SELECT n, 1795219200 - (:rows - n) AS s,
        strftime('%Y-%m-%d %H:%M:%S.000000', 1795219200 - (:rows - n), 'unixepoch') AS at,
        CASE WHEN n % 100 = 0 THEN 'skipped' WHEN n % 100 < 4 THEN 'failed' ELSE 'succeeded' END AS state
    FROM numbers
)
INSERT INTO executions (
    id, kind, trigger, state, reason, job_id, job_name, owner_id, scheduled_for, slot_count, queued_at, available_at, turn_at,
    started_at, finished_at, duration_seconds, attempt, max_attempts, crash_count, is_held, worker, response_status
)
SELECT
    printf('%012x7%03x8%015x', s * 1000, n % 4096, n),
    'webhook', 'schedule', state, CASE state WHEN 'failed' THEN 'server_error' WHEN 'skipped' THEN 'overlap' END,
    printf('00000000000070008000%012x', n % :jobs), 'job ' || n % :jobs, NULL,
    at, 1, at, at, at, at, at, 0.2, 1, 1, 0, 0, 'station-1',
    CASE state WHEN 'failed' THEN 503 WHEN 'succeeded' THEN 200 END
FROM made
"""


@dataclass(frozen=True)
class Reading:
    """How long a read took, in milliseconds, over `samples` samples, and the plan of its statement."""

    what: str
    address: str
    samples: int
    p50_ms: float
    p99_ms: float
    plan: str


async def fill(url: str, rows: int) -> None:
    """Store executions that ended, as the service would have stored them."""
    statement = sa.text(SQLITE_ROWS if url.startswith("sqlite") else POSTGRESQL_ROWS)
    async with open_database(url) as database:
        for first in range(1, rows + 1, CHUNK):
            numbers = {"first": first, "last": min(first + CHUNK - 1, rows), "rows": rows, "jobs": JOBS}
            async with database.writer.begin() as connection:
                await connection.execute(statement, numbers)
        await _tidy_up(database)


async def _tidy_up(database: Database) -> None:
    """Do what the database does by itself in time."""
    if database.is_sqlite:
        async with database.writer.begin() as connection:
            await connection.execute(sa.text("ANALYZE"))
        return
    async with database.writer.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text("VACUUM ANALYZE"))


@asynccontextmanager
async def open_client(url: str, folder: Path) -> AsyncIterator[tuple[Database, httpx.AsyncClient]]:
    """Start the application, and call it as its first administrator."""
    app = create_app(
        Settings(
            _env_file=None,
            data_dir=folder,
            database_url=url,
            secret_key=SECRET_KEY,
            bootstrap_email=EMAIL,
            bootstrap_password=PASSWORD,
            scheduler_enabled=False,
            runner=RunnerSettings(enabled=False),
        )
    )
    transport = httpx.ASGITransport(app)
    async with lifespan(app), httpx.AsyncClient(transport=transport, base_url="http://bench/api/v1") as client:
        answer = await client.post("/auth/login", json={"email": EMAIL, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        yield app.state.database, client


async def addresses(database: Database, client: httpx.AsyncClient, rows: int) -> Mapping[str, str]:
    """Name the reads. A cursor is a place in the order whatever the filter, so one in the middle is found by two ids."""
    page = rows // 2 // SIZE
    async with database.reader.connect() as connection:
        statement = sa.text("SELECT id FROM executions ORDER BY id DESC LIMIT 2 OFFSET :skip")
        ids = list(await connection.scalars(statement, {"skip": page * SIZE - 1}))
    deep = {sort: await _cursor_between(client, sort, *map(str, ids)) for sort in ("-id", "-queued_at")}
    job = "00000000-0000-7000-8000-000000000007"
    return {
        "page 1": "?page=1",
        f"page {page:,}": f"?page={page}",
        "cursor, at the beginning": "?cursor=",
        f"cursor, {page * SIZE:,} rows deep": f"?cursor={deep['-id']}",
        f"cursor, {page * SIZE:,} rows deep, by queued_at": f"?cursor={deep['-queued_at']}&sort=-queued_at",
        "of one job, page 1": f"?job_id={job}",
        "failed ones, page 1": "?status=failed",
        "failed ones, by filter": "?filter=state %3D failed",
        "running ones (none)": "?status=running",
        "queued ones (none)": "?status=queued",
        "one old day": "?from=2026-11-12&to=2026-11-12",
        "one old day, by cursor": "?from=2026-11-12&to=2026-11-12&cursor=",
        "all, counted exactly": "?count=exact",
    }


async def _cursor_between(client: httpx.AsyncClient, sort: str, *ids: str) -> str:
    wanted = " OR ".join(f"id = {id_}" for id_ in ids)
    answer = await client.get("/executions", params={"cursor": "", "size": 1, "sort": sort, "filter": f"({wanted})"})
    cursor: str = answer.raise_for_status().json()["next_cursor"]
    return cursor


async def read(database: Database, client: httpx.AsyncClient, what: str, query: str, samples: int) -> Reading:
    """Ask once for the plan and to warm up, then again and again."""
    plan = await _plan(database, client, query)
    seconds: list[float] = []
    begun = time.perf_counter()
    while len(seconds) < samples and (len(seconds) < 5 or time.perf_counter() - begun < PAUSE_SECONDS):
        start = time.perf_counter()
        (await client.get(f"/executions{query}")).raise_for_status()
        seconds.append(time.perf_counter() - start)
    p50, p99 = (percentile(seconds, share) * 1000 for share in (0.5, 0.99))
    return Reading(what, f"/executions{query}", len(seconds), p50, p99, plan)


async def _plan(database: Database, client: httpx.AsyncClient, query: str) -> str:
    """Return how the database reads the page itself, without the count."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        if sql.startswith("SELECT executions.") and "count(" not in sql:
            seen.append((sql, parameters))

    engine = database.reader.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        (await client.get(f"/executions{query}")).raise_for_status()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return " + ".join([await _explain(database, sql, parameters) for sql, parameters in seen])


async def _explain(database: Database, sql: str, parameters: Any) -> str:
    async with database.reader.connect() as connection:
        prefix = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (COSTS OFF)"
        rows = (await connection.exec_driver_sql(f"{prefix} {sql}", parameters)).all()
    lines = [str(row[-1]).strip().removeprefix("->").strip() for row in rows]
    return " < ".join(line for line in lines if not line.startswith(("Limit", "Filter", "Sort Key")))


async def measure(stand: Stand, dialect: Dialect, rows: int, samples: int) -> list[Reading]:
    """Fill a database and read from it."""
    template = await stand.make_template(dialect, [])
    folder = stand.folder / str(new_id())
    folder.mkdir()
    async with stand.copy(template) as url:
        await fill(url, rows)
        async with open_client(url, folder) as (database, client):
            reads = await addresses(database, client, rows)
            return [await read(database, client, what, query, samples) for what, query in reads.items()]


def show(console: Console, dialect: Dialect, readings: list[Reading]) -> None:
    table = Table("read", "p50", "p99", "samples", "plan", title=f"{dialect}, pages of {SIZE}")
    for one in readings:
        table.add_row(one.what, f"{one.p50_ms:.1f} ms", f"{one.p99_ms:.1f} ms", str(one.samples), one.plan)
    console.print(table)


def main(
    *,
    rows: Annotated[int, typer.Option(help="Executions in the table.")] = 1_000_000,
    samples: Annotated[int, typer.Option(help="Reads of each kind.")] = 200,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file, too.")] = None,
) -> None:
    """Measure how lists are read from a large table, on both databases."""
    console = Console(width=180)
    found = asyncio.run(_measure_all(console, rows, samples))
    if json is not None:
        json.write_text(json_module.dumps({"rows": rows, "load": os.getloadavg()[0], "reads": found}, indent=1))


async def _measure_all(console: Console, rows: int, samples: int) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    with TemporaryDirectory(prefix="stationmaster-lists-") as folder:
        async with open_stand(Path(folder)) as stand:
            for dialect in DIALECTS:
                readings = await measure(stand, dialect, rows, samples)
                show(console, dialect, readings)
                found[dialect] = [asdict(one) for one in readings]
    return found


if __name__ == "__main__":
    typer.run(main)
