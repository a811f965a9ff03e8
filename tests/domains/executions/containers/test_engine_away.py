"""An engine that goes away while a container runs: killed for real, and started again."""

import asyncio
from collections.abc import Iterator

import pytest

from stationmaster.domains.executions.states import Reason, State
from stationmaster.outbound.docker.engine import open_engine
from tests.support.containers import house, make_attempt
from tests.support.docker import NEEDS_DOCKER, DockerServer, open_docker_server, until

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(180)]


@pytest.fixture
def mortal_server() -> Iterator[DockerServer]:
    with open_docker_server() as server:
        yield server


async def test_a_container_that_dies_with_its_engine_has_not_failed_by_itself(mortal_server: DockerServer) -> None:
    async with open_engine(mortal_server.url) as engine, asyncio.TaskGroup() as group:
        attempt = make_attempt(
            engine, "sh", "-c", "echo up; sleep 100", settings=house(patience=60), timeout_seconds=100
        )
        running = group.create_task(attempt.run())
        await until(lambda: attempt.said)
        mortal_server.kill()
        await asyncio.to_thread(mortal_server.start)
        outcome = await running

    assert (State.FAILED, Reason.NETWORK_ERROR, False) == (outcome.state, outcome.reason, outcome.is_final)
    assert ["up"] == attempt.said
    assert {attempt.name} == mortal_server.names()


async def test_an_engine_that_stays_away_ends_our_patience(mortal_server: DockerServer) -> None:
    async with open_engine(mortal_server.url) as engine, asyncio.TaskGroup() as group:
        attempt = make_attempt(
            engine, "sh", "-c", "echo up; sleep 100", settings=house(patience=1), timeout_seconds=100
        )
        running = group.create_task(attempt.run())
        await until(lambda: attempt.said)
        mortal_server.kill()
        outcome = await running
        await asyncio.to_thread(mortal_server.start)

    assert (State.FAILED, Reason.NETWORK_ERROR) == (outcome.state, outcome.reason)
