"""What the tests of this room share."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from stationmaster.app import create_app
from stationmaster.config import RunnerSettings, Settings
from tests.support.databases import Databases, Dialect
from tests.support.lifespan import lifespan_of
from tests.support.tracking import Yard


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Name the kind of database; for a module at a time, so that an application can be shared."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(scope="module")
async def shared_app(
    databases: Databases, dialect: Dialect, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FastAPI]:
    """Open an application for all tests of a module; each makes processes of its own."""
    async with databases.migrated(dialect) as url:
        app = create_app(
            Settings(
                _env_file=None,
                data_dir=tmp_path_factory.mktemp("data"),
                database_url=url,
                secret_key=SecretStr("a secret key of the tests, long enough"),
                scheduler_enabled=False,
                runner=RunnerSettings(enabled=False),
                outbound_allow=("127.0.0.1",),
            )
        )
        async with lifespan_of(app):
            yield app


@pytest.fixture(scope="module")
async def yard(shared_app: FastAPI) -> AsyncIterator[Yard]:
    """Give one person of each role."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shared_app), base_url="http://test") as client:
        yield await Yard.open(shared_app, client)
