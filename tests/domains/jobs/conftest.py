"""What the tests of this room share.

`desk` is an application of the test's own. Where tests look at nothing but the jobs they made, their module puts
`shared_desk` in its place: one application for all of them, which makes them several times as fast.
"""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from stationmaster.app import create_app
from stationmaster.config import RunnerSettings, Settings
from tests.support.databases import Databases, Dialect
from tests.support.lifespan import lifespan_of
from tests.support.work import Desk


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Name the kind of database; for a module at a time, so that an application can be shared."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture
async def desk(app: FastAPI, client: httpx.AsyncClient) -> Desk:
    """Open an application with one person of each role."""
    return await Desk.open(app, client)


@pytest.fixture(scope="module")
async def shared_desk(
    databases: Databases, dialect: Dialect, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """Open an application for all tests of a module."""
    async with databases.migrated(dialect) as url:
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path_factory.mktemp("data"),
            database_url=url,
            secret_key=SecretStr("a secret key of the tests, long enough"),
            scheduler_enabled=False,
            runner=RunnerSettings(enabled=False),
            outbound_allow=("127.0.0.1",),
        )
        app = create_app(settings)
        async with (
            lifespan_of(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
        ):
            yield await Desk.open(app, client)
