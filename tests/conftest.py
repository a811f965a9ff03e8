"""What every test can ask for.

- `database`, `session`, `app` and `client` come twice: on SQLite and on PostgreSQL (`support/databases.py` has marks
  for one of them). Each test has a database of its own, a copy of one that was migrated once; that costs about 20 ms.
- `settings` points to that database, with the scheduler and the runner off. Override the fixture in a test module to
  change it: `return settings.model_copy(update={...})`.
- Nothing but loopback and Unix sockets can be reached, and no setting of the machine is seen.
- Set STATIONMASTER_TEST_LOOP=uvloop for the event loop of production.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
import uvloop
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import RunnerSettings, Settings
from stationmaster.db import engine
from stationmaster.db.engine import Database, open_database
from tests.support.applications import borrowed_app
from tests.support.databases import Databases, Dialect
from tests.support.docker import DockerServer, open_docker_server
from tests.support.lifespan import lifespan_of
from tests.support.sockets import forbid_the_network


def pytest_configure() -> None:
    """Shut the tests in: no other machine, no settings of this one; and give a loaded machine time."""
    forbid_the_network()
    # In production a caller is told soon; here forty at once on a busy core are no outage.
    engine.POOL_WAIT_SECONDS = 30
    engine.POSTGRES_SERVER_SETTINGS["lock_timeout"] = "14s"
    for name in [*os.environ]:
        if name.startswith("STATIONMASTER_") and not name.startswith("STATIONMASTER_TEST_"):
            del os.environ[name]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Choose the event loop."""
    if os.environ.get("STATIONMASTER_TEST_LOOP") == "uvloop":
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long texts by their argument: random ones (tokens, ids) would make each test process see other tests."""
    return argname if isinstance(val, str) and len(val) > 32 else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a skipped test as a failure in CI: there everything must be present."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
async def databases() -> AsyncIterator[Databases]:
    """Make databases; one PostgreSQL server a test process.

    In a folder of its own: those of pytest are cleared away by the third run after it, also while this one lasts.
    """
    with TemporaryDirectory(prefix="stationmaster-") as folder:
        async with Databases(Path(folder)) as made:
            yield made


@pytest.fixture(scope="session")
def docker_server() -> Iterator[DockerServer]:
    """Run a Docker engine of the tests' own, one a test process; mark what asks for it `NEEDS_DOCKER`."""
    with open_docker_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Name the kind of database: each test that depends on it runs once for each."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture
async def database_url(databases: Databases, dialect: Dialect) -> AsyncIterator[str]:
    """Give a migrated database without rows."""
    async with databases.migrated(dialect) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open the test's database."""
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """Open a transaction that is never committed. On SQLite it occupies the one writer until the test ends."""
    async with AsyncSession(database.writer, expire_on_commit=False, autoflush=False) as opened:
        yield opened


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Give settings for a quiet service: it answers, but schedules and executes nothing."""
    return Settings(
        _env_file=None,
        data_dir=tmp_path,
        database_url=database_url,
        secret_key=SecretStr("a secret key of the tests, long enough"),
        scheduler_enabled=False,
        runner=RunnerSettings(enabled=False),
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """Start the whole application."""
    with borrowed_app(settings) as application:
        async with lifespan_of(application):
            yield application


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Call the application as an anonymous client."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as opened:
        yield opened
