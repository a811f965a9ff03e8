"""A server like Earth Engine."""

from collections.abc import AsyncIterator

import pytest

from tests.support.earthengine import EarthEngineServer, open_server


@pytest.fixture
async def server() -> AsyncIterator[EarthEngineServer]:
    async with open_server() as opened:
        yield opened
