"""The yardstick: the same calls by a loop written by hand, with nothing recorded but the state.

Claim 200 rows at a time (one UPDATE ... RETURNING), call by aiohttp with the headers and the body that the service sends,
write the state back about every ten milliseconds. No policies, no attempts, no leases, no limits, one table of its own.
Runs in a process of its own: `python -m bench.bare DATABASE COUNT IN_FLIGHT PORTS...` prints one line of JSON.
"""

import asyncio
import json
import resource
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import aiohttp
import asyncpg
import uvloop

from bench.timetable import BODY
from stationmaster.kit.ids import new_id

CLAIM = 200
BEAT_SECONDS = 0.01


class Store(Protocol):
    """The table of the bare loop."""

    async def fill(self, count: int) -> None: ...

    async def claim(self, limit: int) -> Sequence[str]: ...

    async def finish(self, ids: Sequence[str]) -> None: ...


class PostgresStore:
    """In PostgreSQL, by asyncpg."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def fill(self, count: int) -> None:
        await self._pool.execute(
            "CREATE TABLE bare (id uuid PRIMARY KEY, state text NOT NULL, finished_at timestamptz)"
        )
        await self._pool.execute("CREATE INDEX bare_queued ON bare (id) WHERE state = 'queued'")
        rows = [(UUID(str(new_id())), "queued", None) for _ in range(count)]
        async with self._pool.acquire() as connection:
            await connection.copy_records_to_table("bare", records=rows)
            await connection.execute("ANALYZE bare")

    async def claim(self, limit: int) -> Sequence[str]:
        rows = await self._pool.fetch(
            """UPDATE bare SET state = 'running' WHERE id IN (
                   SELECT id FROM bare WHERE state = 'queued' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
               ) RETURNING id""",
            limit,
        )
        return [str(row["id"]) for row in rows]

    async def finish(self, ids: Sequence[str]) -> None:
        await self._pool.execute(
            "UPDATE bare SET state = 'succeeded', finished_at = clock_timestamp() WHERE id = ANY($1::uuid[])", ids
        )


class SqliteStore:
    """In SQLite, in a thread, as durable as the service's file."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._lock = asyncio.Lock()
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")

    async def fill(self, count: int) -> None:
        self._connection.execute("CREATE TABLE bare (id TEXT PRIMARY KEY, state TEXT NOT NULL, finished_at TEXT)")
        self._connection.execute("CREATE INDEX bare_queued ON bare (id) WHERE state = 'queued'")
        self._connection.execute("BEGIN")
        rows = [(str(new_id()), "queued") for _ in range(count)]
        self._connection.executemany("INSERT INTO bare (id, state) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")

    async def claim(self, limit: int) -> Sequence[str]:
        statement = """UPDATE bare SET state = 'running' WHERE id IN (
            SELECT id FROM bare WHERE state = 'queued' ORDER BY id LIMIT ?) RETURNING id"""
        return [row[0] for row in await self._run(statement, (limit,))]

    async def finish(self, ids: Sequence[str]) -> None:
        statement = """UPDATE bare SET state = 'succeeded', finished_at = datetime('now')
            WHERE id IN (SELECT value FROM json_each(?))"""
        await self._run(statement, (json.dumps(list(ids)),))

    async def _run(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        async with self._lock:
            return await asyncio.to_thread(lambda: self._connection.execute(statement, values).fetchall())


@dataclass
class Loop:
    """Claims, calls, writes back, until nothing is left."""

    store: Store
    client: aiohttp.ClientSession
    urls: Sequence[str]
    in_flight: int
    done: list[str] = field(default_factory=list)
    written: int = 0

    async def run(self, count: int) -> float:
        """Do `count` calls; return the seconds from the first claim to the last write."""
        began = time.perf_counter()
        places = asyncio.Semaphore(self.in_flight)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_all(count))
            while ids := await self.store.claim(CLAIM):
                for id_ in ids:
                    await places.acquire()
                    group.create_task(self._call(id_, places))
        return time.perf_counter() - began

    async def _call(self, id_: str, places: asyncio.Semaphore) -> None:
        url = self.urls[int(id_[-4:], 16) % len(self.urls)]
        async with self.client.post(url, data=_BODY, headers=_headers(id_)) as response:
            await response.read()
        places.release()
        self.done.append(id_)

    async def _write_all(self, count: int) -> None:
        while self.written < count:
            await asyncio.sleep(BEAT_SECONDS)
            ids, self.done = self.done, []
            if ids:
                await self.store.finish(ids)
                self.written += len(ids)


_BODY = json.dumps(BODY | {"number": 1}, separators=(",", ":")).encode()


def _headers(id_: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "idempotency-key": id_,
        "webhook-timestamp": str(int(time.time())),
        "stationmaster-attempt": "1",
        "stationmaster-scheduled-for": "2026-01-01T00:00:00.000Z",
    }


async def measure(database: str, count: int, in_flight: int, urls: Sequence[str]) -> dict[str, float]:
    """Fill the table and run the loop over it once."""
    connector = aiohttp.TCPConnector(limit=in_flight + 8)
    async with aiohttp.ClientSession(connector=connector) as client:
        if database.startswith("postgresql"):
            async with asyncpg.create_pool(database, min_size=4, max_size=4) as pool:
                return await _measure(PostgresStore(pool), client, count, in_flight, urls)
        return await _measure(SqliteStore(database), client, count, in_flight, urls)


async def _measure(
    store: Store, client: aiohttp.ClientSession, count: int, in_flight: int, urls: Sequence[str]
) -> dict[str, float]:
    await store.fill(count)
    cpu = _cpu_seconds()
    seconds = await Loop(store, client, urls, in_flight).run(count)
    return {"per_second": count / seconds, "cpu_microseconds": (_cpu_seconds() - cpu) / count * 1e6}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def run_bare(database: str, count: int, in_flight: int, ports: Sequence[int]) -> dict[str, float]:
    """Measure in a process of its own."""
    arguments = [database, str(count), str(in_flight), *(str(port) for port in ports)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, "the bare loop failed"
    figures: dict[str, float] = json.loads(output)
    return figures


def main() -> None:
    database, count, in_flight, *ports = sys.argv[1:]
    urls = [f"http://127.0.0.1:{port}/hook" for port in ports]
    print(json.dumps(uvloop.run(measure(database, int(count), int(in_flight), urls))))


if __name__ == "__main__":
    main()
