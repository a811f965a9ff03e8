"""Whether a replica lives, is ready, and how its parts are."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
import sqlalchemy as sa
from aiohttp import web
from dirty_equals import IsFloat, IsPositiveFloat, IsStr
from fastapi import FastAPI

from stationmaster import __version__
from stationmaster.config import HttpSettings, Settings
from stationmaster.db.engine import CONTROL_CONNECTIONS, Database, open_database
from stationmaster.entrypoints import health
from stationmaster.entrypoints.health import DockerProbe, DockerStatus, SchedulerStatus
from stationmaster.outbound.docker.engine import open_engine
from stationmaster.outbound.sandbox.protection import Level, Protection
from stationmaster.web import middleware, problems
from stationmaster.web.strict_request import StrictRequest
from tests.support.databases import ONLY_POSTGRESQL, ONLY_SQLITE


@dataclass
class FixedProbe:
    answer: DockerStatus = field(default_factory=lambda: DockerStatus("ok", "container", "28.2.2"))

    async def look(self) -> DockerStatus:
        return self.answer


@dataclass
class FixedSandbox:
    level: Level = Level.FULL
    seconds: float = 0

    async def protection(self) -> Protection:
        await asyncio.sleep(self.seconds)
        return Protection(self.level, "why")


@pytest.fixture
def app(database: Database) -> FastAPI:
    settings = Settings(_env_file=None)
    app = FastAPI(redirect_slashes=False, dependencies=[StrictRequest])
    app.state.settings = settings
    app.state.database = database
    app.state.draining = False
    app.state.scheduler_status = lambda: SchedulerStatus(leader=True, epoch=7, running=True, jobs=12)
    app.state.docker_probe = FixedProbe()
    app.state.sandbox = FixedSandbox()
    app.include_router(health.router)
    problems.install(app)
    middleware.install(app, settings)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as opened:
        yield opened


async def test_the_detail_shows_every_part(client: httpx.AsyncClient, database: Database) -> None:
    answer = await client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "version": __version__,
        "uptime_seconds": IsFloat(ge=0),
        "timestamp": IsStr(regex=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
        "database": {"status": "ok", "dialect": database.dialect, "latency_ms": IsPositiveFloat},
        "scheduler": {"leader": True, "epoch": 7, "running": True, "jobs": 12},
        "docker": {"status": "ok", "mode": "container", "engine_version": "28.2.2"},
        "sandbox": {"status": "ok"},
    }


async def test_a_migrated_replica_is_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "failed": []})


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/", "/health/"])
async def test_each_page_is_never_stored_and_answers_head(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.head(path)

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_a_missing_docker_engine_is_forgiven(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.docker_probe = FixedProbe(DockerStatus("unavailable", "swarm"))

    answer = await client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["docker"] == {"status": "unavailable", "mode": "swarm", "engine_version": None}


@pytest.mark.parametrize(("level", "status"), [(Level.REDUCED, "reduced"), (Level.NONE, "unavailable")])
async def test_a_weaker_sandbox_is_shown_and_forgiven(
    app: FastAPI, client: httpx.AsyncClient, level: Level, status: str
) -> None:
    app.state.sandbox = FixedSandbox(level)

    answer = await client.get("/health")

    assert (answer.status_code, answer.json()["sandbox"]) == (200, {"status": status})


async def test_a_sandbox_that_takes_its_time_holds_up_nobody(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SANDBOX_SECONDS", 0.05)
    app.state.sandbox = FixedSandbox(seconds=0.5)

    answer = await client.get("/health")

    assert (answer.status_code, answer.json()["sandbox"]) == (200, {"status": "unavailable"})


async def test_a_draining_replica_lives_and_is_not_ready(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.draining = True

    live, ready, detail = await asyncio.gather(*(client.get(f"/health{path}") for path in ("/live", "/ready", "")))

    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (503, {"status": "unavailable", "failed": ["draining"]})
    assert (detail.status_code, detail.json()["status"]) == (200, "draining")


async def test_an_old_schema_is_not_ready(client: httpx.AsyncClient, database: Database) -> None:
    async with database.writer.begin() as connection:
        await connection.execute(sa.text("DELETE FROM alembic_version"))

    answer = await client.get("/health/ready")

    assert (answer.status_code, answer.json()["failed"]) == (503, ["migrations"])


@asynccontextmanager
async def a_database_that_is_away() -> AsyncIterator[Database]:
    async with open_database("postgresql+asyncpg://u:p@127.0.0.1:1/nothing") as database:
        yield database


@asynccontextmanager
async def a_database_that_does_not_answer() -> AsyncIterator[Database]:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_database(f"postgresql+asyncpg://u:p@127.0.0.1:{port}/silent?ssl=disable") as database:
        yield database


@ONLY_SQLITE
@pytest.mark.parametrize("failing", [a_database_that_is_away, a_database_that_does_not_answer])
async def test_without_database_it_answers_503_within_three_seconds(
    app: FastAPI, client: httpx.AsyncClient, failing: Callable[[], AbstractAsyncContextManager[Database]]
) -> None:
    async with failing() as database:
        app.state.database = database
        began = time.monotonic()
        detail, ready, live = await asyncio.gather(*(client.get(f"/health{path}") for path in ("", "/ready", "/live")))

    assert time.monotonic() - began < 3
    assert (detail.status_code, detail.json()["status"]) == (503, "unavailable")
    assert detail.json()["database"] == {"status": "unavailable", "dialect": "postgresql", "latency_ms": None}
    assert (ready.status_code, ready.json()["failed"]) == (503, ["database"])
    assert live.status_code == 200


@ONLY_POSTGRESQL
async def test_a_full_pool_is_not_ready(app: FastAPI, client: httpx.AsyncClient, database: Database) -> None:
    async with open_database(database.url, pool_size=1) as small:
        app.state.database = replace(small, reader=small.control)
        async with AsyncExitStack() as taken:
            for _ in range(CONTROL_CONNECTIONS):
                await taken.enter_async_context(small.control.connect())
            answer = await client.get("/health/ready")

    assert (answer.status_code, answer.json()["failed"]) == (503, ["database"])


@ONLY_SQLITE
async def test_the_root_says_where_to_read_on(app: FastAPI, client: httpx.AsyncClient) -> None:
    with_docs = (await client.get("/")).json()
    app.state.settings = Settings(_env_file=None, http=HttpSettings(docs=False))
    without = (await client.get("/")).json()

    assert with_docs == {
        "name": "Stationmaster",
        "version": __version__,
        "links": {
            "api": "/api/v1",
            "health": "/health",
            "docs": "/docs",
            "redoc": "/redoc",
            "openapi": "/openapi.json",
        },
    }
    assert [without["links"][name] for name in ("docs", "redoc", "openapi")] == [None, None, None]


@dataclass
class Doorbell:
    """A Docker engine that only says what it is."""

    socket: Path
    asked: int = 0
    delay_seconds: float = 0
    swarm: Mapping[str, object] = field(default_factory=dict)

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.delay_seconds)
        return web.json_response({"ApiVersion": "1.41", "ID": "x", "ServerVersion": "20.10", "Swarm": self.swarm})


@pytest.fixture
async def doorbell() -> AsyncIterator[Doorbell]:
    # A socket's path has at most 107 bytes, and pytest's folders have long names.
    with TemporaryDirectory() as folder:
        made = Doorbell(Path(folder) / "docker.sock")
        application = web.Application()
        application.router.add_get("/{tail:.*}", made.answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, str(made.socket)).start()
        yield made
        await runner.cleanup()


async def test_an_engine_that_answers_is_asked_once_in_thirty_seconds(doorbell: Doorbell) -> None:
    async with open_engine(f"unix://{doorbell.socket}") as engine:
        probe = DockerProbe(engine)
        answers = await asyncio.gather(*(probe.look() for _ in range(5)))
        first = doorbell.asked

        assert answers == [DockerStatus("ok", "container", "20.10")] * 5
        assert (await probe.look()).status == "ok"
        assert doorbell.asked == first


async def test_an_engine_that_is_slow_is_not_waited_for(doorbell: Doorbell) -> None:
    doorbell.delay_seconds = 5
    began = time.monotonic()

    async with open_engine(f"unix://{doorbell.socket}") as engine:
        assert (await DockerProbe(engine).look()).status == "unavailable"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("url", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:1"])
async def test_an_engine_that_is_not_there_is_unavailable(url: str) -> None:
    async with open_engine(url) as engine:
        assert await DockerProbe(engine).look() == DockerStatus("unavailable", "container")


@pytest.mark.parametrize(("is_manager", "status"), [(True, "ok"), (False, "unavailable")])
async def test_for_a_swarm_the_engine_must_be_a_manager(doorbell: Doorbell, is_manager: bool, status: str) -> None:
    doorbell.swarm = {"ControlAvailable": is_manager}

    async with open_engine(f"unix://{doorbell.socket}") as engine:
        assert (await DockerProbe(engine, "swarm").look()).status == status


async def test_where_containers_are_off_no_engine_is_asked() -> None:
    assert await DockerProbe(None).look() == DockerStatus("off", "container")
