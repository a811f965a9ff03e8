"""`python -m bench.live [--lines N]`: a child process talks, one WebSocket listens.

Three figures of one run: lines per second from the child to the reader through the journal (masked, numbered, stored), the
same through a bare loop from the pipe to a socket, and how much memory this process took more than before. The reader is a
process of its own in both.
"""

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import SecretStr
from rich.console import Console
from websockets.asyncio.client import connect

from stationmaster.app import create_app
from stationmaster.config import RunnerSettings, Settings
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import intake, queue, specs
from stationmaster.domains.executions.journals.writer import JournalWriter
from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.queue import Claimed, Result
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id

LINE = "x" * 92 + " %06d"
PIECE = 1 << 16
TALK = f"import sys\nw=sys.stdout.write\nfor n in range(int(sys.argv[1])): w({LINE + chr(10)!r} % (n % 1000000))"
EMAIL, PASSWORD = "bench@example.com", "a password of the bench"


async def talk(lines: int) -> asyncio.subprocess.Process:
    """Start a child that prints so many lines of 100 bytes."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", TALK, str(lines), stdout=asyncio.subprocess.PIPE, limit=PIECE
    )


async def listen(*arguments: str) -> asyncio.subprocess.Process:
    """Start the reader; it says `ready`, and at the end what it counted."""
    command = (sys.executable, "-m", "bench.live", "--reader", *arguments)
    reader = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert reader.stdout is not None
    assert (await reader.stdout.readline()).strip() == b"ready"
    return reader


async def counted(reader: asyncio.subprocess.Process) -> dict[str, int]:
    assert reader.stdout is not None
    return dict(json.loads(await reader.stdout.readline()))


async def run_bare(lines: int) -> float:
    """Copy the pipe to a socket; return lines per second."""
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _reader, writer: connected.set_result(writer), "127.0.0.1", 0)
    async with server:
        reader = await listen("bare", str(server.sockets[0].getsockname()[1]))
        writer = await connected
        began = time.perf_counter()
        child = await talk(lines)
        assert child.stdout is not None
        while piece := await child.stdout.read(PIECE):
            writer.write(piece)
            await writer.drain()
        writer.close()
        assert (await counted(reader))["lines"] == lines
        return lines / (time.perf_counter() - began)


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[tuple[FastAPI, str]]:
    """Serve the application on SQLite, without its own runner."""
    settings = Settings(
        _env_file=None,
        data_dir=folder,
        secret_key=SecretStr("a secret key of the bench, long enough"),
        scheduler_enabled=False,
        runner=RunnerSettings(enabled=False),
        bootstrap_email=EMAIL,
        bootstrap_password=SecretStr(PASSWORD),
    )
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with app.router.lifespan_context(app), asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield app, f"127.0.0.1:{listener.getsockname()[1]}"
            server.should_exit = True
            await serving


async def begin(app: FastAPI) -> Claimed:
    """Let an execution run whose attempt is ours."""
    target = WebhookTarget.model_validate({"type": "webhook", "url": "http://127.0.0.1/"})
    async with unit_of_work(app.state.database) as session:
        spec = specs.make_spec(
            app.state.sealer,
            target=target,
            host=None,
            timeout_seconds=60,
            retry=Retry(),
            on_lost=OnLost.FAIL,
            overlap=Overlap.model_validate({"policy": "allow"}),
            default_key="bench",
        )
        session.add(spec)
        await session.flush()
        proposal = intake.propose(spec, spec.id, trigger=Trigger.MANUAL, now=clock.now())
        await intake.take_in(session, [proposal])
        [claimed] = await queue.claim(
            session, [proposal.row["id"]], worker="bench", token=new_id(), lease=timedelta(hours=1)
        )
    return claimed


async def run_journal(app: FastAPI, host: str, lines: int, *, secrets: int) -> tuple[float, dict[str, int], float]:
    """Feed a journal from the pipe; return lines per second, what the reader counted, and the memory in MB."""
    claimed = await begin(app)
    writer = JournalWriter(app.state.database, app.state.settings.journal, app.state.sealer)
    journal = writer.open(claimed)
    for number in range(secrets):
        journal.mask(f"a secret of the bench {number}")
    reader = await listen("journal", host, str(claimed.id))
    process, before = psutil.Process(), psutil.Process().memory_info().rss
    peak = before
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(writer.run())
        child = await talk(lines)
        assert child.stdout is not None
        while piece := await child.stdout.read(PIECE):
            await journal.feed(piece)
            peak = max(peak, process.memory_info().rss)
        await journal.close()
        writing.cancel()
    now = clock.now()
    state = State.SUCCEEDED
    ending = Result(claimed.id, claimed.token, 1, state, state, None, now, now)
    async with unit_of_work(app.state.database) as session:
        await queue.finish(session, [ending], worker="bench")
    found = await counted(reader)
    return lines / (time.perf_counter() - began), found, (peak - before) / (1 << 20)


async def measure(lines: int, secrets: int) -> None:
    """Measure all of it and print it."""
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="stationmaster-bench-") as folder:
        async with service(Path(folder)) as (app, host):
            await run_journal(app, host, 1000, secrets=secrets)  # imports, caches, the first pages
            bare = await run_bare(lines)
            ours, found, megabytes = await run_journal(app, host, lines, secrets=secrets)
    console.print(f"{lines:,} lines of 100 bytes, {secrets} secrets to mask, SQLite")
    console.print(f"bare pipe to socket       {bare:>12,.0f} lines/s")
    console.print(f"journal to WebSocket      {ours:>12,.0f} lines/s   ratio {ours / bare:.2f}")
    told = f"was told of {found['left_out']:,} more in {found['gaps']} gaps"
    console.print(f"the reader got {found['lines']:,} lines and {told}")
    console.print(f"memory rose by at most {megabytes:.1f} MB")


async def read_bare(port: str) -> None:
    """Count lines of a socket."""
    reader, _ = await asyncio.open_connection("127.0.0.1", int(port))
    _say("ready")
    lines = 0
    while piece := await reader.read(PIECE):
        lines += piece.count(b"\n")
    _say(json.dumps({"lines": lines}))


async def read_journal(host: str, execution_id: str) -> None:
    """Count what a WebSocket tells of an execution."""
    import httpx  # noqa: PLC0415  # the other reader must not pay for it

    async with httpx.AsyncClient(base_url=f"http://{host}/api/v1") as client:
        answer = await client.post("/auth/login", json={"email": EMAIL, "password": PASSWORD})
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    url = f"ws://{host}/api/v1/executions/stream"
    async with connect(url, additional_headers=headers, max_size=None, compression=None) as connection:
        await connection.send(json.dumps({"type": "subscribe", "execution_id": execution_id, "batch": True}))
        counts = {"output": 0, "gaps": 0, "left_out": 0}
        _say("ready")
        while not await _count(json.loads(await connection.recv()), counts):
            pass
    _say(json.dumps({"lines": counts["output"], "gaps": counts["gaps"], "left_out": counts["left_out"]}))


async def _count(message: Any, counts: dict[str, int]) -> bool:
    for event in message if isinstance(message, list) else [message]:
        match event["type"]:
            case "output":
                counts["output"] += 1
            case "gap":
                counts["gaps"] += 1
                counts["left_out"] += event["count"]
            case "completed" | "failed" | "error":
                return True
    return False


def _say(text: str) -> None:
    print(text, flush=True)


def main(
    arguments: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    *,
    lines: Annotated[int, typer.Option(help="How many.")] = 1_000_000,
    secrets: Annotated[int, typer.Option(help="How many secrets are looked for in each line.")] = 3,
    reader: Annotated[bool, typer.Option("--reader", hidden=True)] = False,
) -> None:
    """Measure how many lines a second come from a child process to one WebSocket."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if reader and arguments:
            kind, *rest = arguments
            runner.run(read_bare(*rest) if kind == "bare" else read_journal(*rest))
        else:
            runner.run(measure(lines, secrets))


if __name__ == "__main__":
    typer.run(main)
