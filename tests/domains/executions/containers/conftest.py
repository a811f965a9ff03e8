from collections.abc import AsyncIterator

import pytest

from stationmaster.outbound.docker.engine import Engine, open_engine
from tests.support.docker import DockerServer


@pytest.fixture
async def engine(docker_server: DockerServer) -> AsyncIterator[Engine]:
    async with open_engine(docker_server.url) as opened:
        yield opened
    docker_server.clear()
