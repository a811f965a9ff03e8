"""The real service, killed while it has an image built: the next one builds it, and nothing of the first is left."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.scripts.models import Status, Version
from stationmaster.kit.ids import new_id
from tests.domains.scripts.builds.stock import HELLO, Stock, make_stock
from tests.support.docker import IMAGE, NEEDS_DOCKER, DockerServer
from tests.support.executions import eventually
from tests.support.mortal import Mortal, open_mortal

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(180)]

SLOW = """
FROM {image}
COPY main.sh /
RUN echo {number}; sleep 4
ENTRYPOINT ["sh", "/main.sh"]
"""


@pytest.fixture
def mortal(settings: Settings, docker_server: DockerServer) -> Iterator[Mortal]:
    builds = {"BUILDS__BASE_IMAGE": IMAGE, "BUILDS__NETWORK": "none", "BUILDS__ALLOW_DOCKERFILE": "true"}
    more = {"DOCKER__URL": docker_server.url, "RUNNER__ENABLED": "true", "RUNNER__LEASE": "4", **builds}
    with open_mortal(settings, **more) as opened:
        yield opened
    docker_server.clear()


def images(server: DockerServer, *options: str) -> list[str]:
    return server.call("images", "--quiet", "--no-trunc", *options).stdout.decode().split()


async def is_at_the_slow_step(stock: Stock) -> bool:
    return any(line.startswith("Step 3/") for line in await stock.log())


async def has_ended(stock: Stock) -> bool:
    return (await stock.version()).finished_at is not None


async def test_a_build_outlives_the_service_that_began_it(
    mortal: Mortal, database: Database, docker_server: DockerServer
) -> None:
    there_before = {*images(docker_server)}
    dockerfile = SLOW.format(image=IMAGE, number=new_id())  # no layer that another test has left
    stock = await make_stock(database, {**HELLO, "Dockerfile": dockerfile.encode()})
    await eventually(lambda: is_at_the_slow_step(stock), seconds=60)
    await asyncio.to_thread(mortal.kill)
    assert Status.BUILDING is (await stock.version()).status

    mortal.start()
    await eventually(lambda: has_ended(stock), seconds=60)
    version, script = await stock.version(), await stock.script()
    async with read_only(database) as session:
        versions = await session.scalar(sa.select(sa.func.count()).select_from(Version))

    assert (Status.SUCCESS, 1, 1) == (version.status, script.current_version, versions), version.error
    assert {str(version.image)} == {*images(docker_server)} - there_before
    assert [] == images(docker_server, "--filter", "dangling=true")
    assert set() == docker_server.names()
    assert b"hello you\n" == docker_server.call("run", "--rm", "--network=none", str(version.image), "you").stdout
    assert 2 == len([line for line in await stock.log() if line.startswith("Step 1/")]), await stock.log()
