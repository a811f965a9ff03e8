"""Runs of processes under load and under fire: many robots at once, a million runs, and `kill -9` in every step.

`python -m bench.tracking robots [--times N]` lets two robots finish different steps of the same run at once, again and again.
`python -m bench.tracking lists [--rows N]` reads lists and dashboards of so many runs.
`python -m bench.tracking kills` kills the service in each of the five steps of a workflow; the receiver's ledger and the
database must both say that every step was done.
Each works on both databases, and ends with exit code 1 when anything is wrong.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx
import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from bench.figures import percentile
from bench.kills import kill_in_each_step
from bench.lists import open_client
from bench.replica import running_replica, settings_for
from bench.stand import DIALECTS, Dialect, Stand, open_stand
from bench.tracking_rows import CHUNK, PROCESS_ID, PROCESSES, STEP_ID, rows_statements
from stationmaster.db.engine import Database, open_database
from stationmaster.kit.ids import new_id

PATIENCE_SECONDS = 90
CALL_MS = 1500
LEASE_SECONDS = 6
"""Long enough to be renewed in time on a busy machine: what a living replica lets run out counts as a crash, too."""
ABREAST = 4
"""Races at a time."""
console = Console(width=150)
program = typer.Typer(add_completion=False)


@asynccontextmanager
async def each_database(stand: Stand) -> AsyncIterator[list[tuple[Dialect, str]]]:
    """Give the address of a migrated database of each kind."""
    templates = [(dialect, await stand.make_template(dialect, [])) for dialect in DIALECTS]
    async with stand.copy(templates[0][1]) as first, stand.copy(templates[1][1]) as second:
        yield [(templates[0][0], first), (templates[1][0], second)]


async def create_process(client: httpx.AsyncClient, steps: list[dict[str, Any]]) -> str:
    """Make a process and return its id."""
    answer = await client.post("/processes", json={"name": f"bench-{new_id()}", "steps": steps})
    id_: str = answer.raise_for_status().json()["id"]
    return id_


async def race(client: httpx.AsyncClient, process_id: str) -> tuple[str, list[float]]:
    """Let two robots finish two steps of a new run at the same instant; return its status, and how long each took."""
    body = {"process_id": process_id, "entity_id": str(new_id())}
    run = await ask(client, "POST", "/runs", body)

    async def finish(step_run_id: str) -> float:
        start = time.perf_counter()
        await ask(client, "PATCH", f"/step-runs/{step_run_id}", {"status": "success"})
        return time.perf_counter() - start

    seconds = await asyncio.gather(*(finish(one["id"]) for one in run["steps"]))
    return (await ask(client, "GET", f"/runs/{run['id']}"))["status"], seconds


async def ask(client: httpx.AsyncClient, method: str, path: str, body: object = None) -> Any:
    """Call as a robot does: what is not available just now is asked for again."""
    for _ in range(PATIENCE_SECONDS):
        answer = await client.request(method, path, json=body)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        await asyncio.sleep(float(answer.headers["retry-after"]))
    return answer.raise_for_status().json()


async def robots_on(url: str, folder: Path, times: int) -> tuple[Counter[str], list[float]]:
    """Race again and again, a few runs at a time."""
    async with open_client(url, folder) as (_, client):
        process_id = await create_process(client, [{"name": "a"}, {"name": "b"}])
        statuses: Counter[str] = Counter()
        seconds: list[float] = []
        for _ in range(times // ABREAST):
            for status, took in await asyncio.gather(*(race(client, process_id) for _ in range(ABREAST))):
                statuses[status] += 1
                seconds += took
    return statuses, seconds


@program.command()
def robots(*, times: Annotated[int, typer.Option(help="Runs on each database.")] = 1000) -> None:
    """Let two robots finish different steps at once."""

    async def measure() -> bool:
        is_right = True
        with TemporaryDirectory(prefix="stationmaster-robots-") as folder:
            async with open_stand(Path(folder)) as stand, each_database(stand) as databases:
                for dialect, url in databases:
                    statuses, seconds = await robots_on(url, Path(folder), times)
                    p50, p99 = (percentile(seconds, share) * 1000 for share in (0.5, 0.99))
                    console.print(f"{dialect}: {dict(statuses)}; a report took p50 {p50:.1f} ms, p99 {p99:.1f} ms")
                    is_right &= set(statuses) == {"completed"}
        return is_right

    raise typer.Exit(0 if asyncio.run(measure()) else 1)


async def fill(url: str, rows: int) -> None:
    """Store processes, and runs with one step each, as the service would have stored them."""
    async with open_database(url) as database:
        first_statements, chunk_statements = rows_statements(database.is_sqlite)
        async with database.writer.begin() as connection:
            for statement in first_statements:
                await connection.execute(sa.text(statement), {"processes": PROCESSES})
        for first in range(1, rows + 1, CHUNK):
            numbers = {"first": first, "last": min(first + CHUNK - 1, rows), "rows": rows, "processes": PROCESSES}
            async with database.writer.begin() as connection:
                for statement in chunk_statements:
                    await connection.execute(sa.text(statement), numbers)
        await _tidy_up(database)


async def _tidy_up(database: Database) -> None:
    async with database.writer.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))


READS = {
    "page 1": "/runs",
    "of one process, page 1": f"/runs?process_id={PROCESS_ID}",
    "two metadata filters": f"/runs?process_id={PROCESS_ID}&meta_filter=region:r3&meta_filter=type:t13",
    "two metadata filters, by cursor": f"/runs?process_id={PROCESS_ID}&meta_filter=region:r3&meta_filter=type:t13&cursor=",
    "two metadata filters, all processes": "/runs?meta_filter=region:r3&meta_filter=type:t13&cursor=",
    "failed ones": "/runs?status=failed",
    "failed at a step": f"/runs?failed_at={STEP_ID}",
    "one entity": "/runs?entity_id=entity-4711",
    "search": f"/runs/search?q=entity-47110&process_id={PROCESS_ID}",
    "searchable fields": f"/processes/{PROCESS_ID}/searchable-fields",
    "dashboard of a process": f"/dashboard/processes/{PROCESS_ID}",
    "dashboard of all": "/dashboard",
    "cleanup stats": "/admin/cleanup/stats",
}


async def time_reads(client: httpx.AsyncClient, samples: int) -> dict[str, list[float]]:
    """Read everything again and again; what is slow not so often."""
    found: dict[str, list[float]] = {}
    for what, address in READS.items():
        (await client.get(address)).raise_for_status()
        seconds = found.setdefault(what, [])
        begun = time.perf_counter()
        while len(seconds) < samples and (len(seconds) < 5 or time.perf_counter() - begun < 5):
            start = time.perf_counter()
            (await client.get(address)).raise_for_status()
            seconds.append(time.perf_counter() - start)
    return found


@program.command()
def lists(
    *,
    rows: Annotated[int, typer.Option(help="Runs in the table.")] = 1_000_000,
    samples: Annotated[int, typer.Option(help="Reads of each kind.")] = 100,
) -> None:
    """Read lists and dashboards of many runs."""

    async def measure() -> None:
        with TemporaryDirectory(prefix="stationmaster-runs-") as folder:
            async with open_stand(Path(folder)) as stand, each_database(stand) as databases:
                for dialect, url in databases:
                    await fill(url, rows)
                    async with open_client(url, Path(folder)) as (_, client):
                        found = await time_reads(client, samples)
                    table = Table("read", "p50", "p99", "samples", title=f"{dialect}, {rows:,} runs")
                    for what, seconds in found.items():
                        p50, p99 = (f"{percentile(seconds, share) * 1000:.1f} ms" for share in (0.5, 0.99))
                        table.add_row(what, p50, p99, str(len(seconds)))
                    console.print(table)

    asyncio.run(measure())


@program.command()
def kills() -> None:
    """Kill the service in each step of a workflow."""

    async def measure() -> bool:
        is_right = True
        with TemporaryDirectory(prefix="stationmaster-kills-") as name:
            async with open_stand(Path(name)) as stand, each_database(stand) as databases:
                for dialect, url in databases:
                    folder = Path(name) / f"service-{dialect}"
                    folder.mkdir()
                    is_right &= await kills_on(dialect, url, folder)
        return is_right

    raise typer.Exit(0 if asyncio.run(measure()) else 1)


async def kills_on(dialect: Dialect, url: str, folder: Path) -> bool:
    """Kill the service in each step on one database; show what came of it, and say whether it is right."""
    settings = settings_for(url, folder, RUNNER__LEASE=str(LEASE_SECONDS))
    async with running_replica(settings, folder / "service.log") as replica:
        begun = time.perf_counter()
        ending = await kill_in_each_step(replica, folder, call_ms=CALL_MS)
        seconds = time.perf_counter() - begun
    console.print(f"{dialect}: {ending.run['status']} in {seconds:.0f} s with {len(ending.statuses)} kills")
    console.print(f"  {ending.statuses}; calls: {ending.calls_of_steps}; last start {replica.ready_after:.1f} s")
    return ending.is_right()


if __name__ == "__main__":
    program()
