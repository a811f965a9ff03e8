"""Scripts in containers share the places for containers, and wait for them without losing time."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import RunnerSettings, Settings
from stationmaster.kit.ids import new_id
from stationmaster.setting_groups import DockerSettings
from tests.support.applications import borrowed_app
from tests.support.docker import IMAGE, NEEDS_DOCKER, DockerServer, until
from tests.support.executions import eventually
from tests.support.lifespan import lifespan_of
from tests.support.people import Person, make_person

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(120)]

LONG, SHORT = ["sleep", "60"], ["true"]
TIME_SECONDS = 3
WITHIN_SECONDS = 30


@pytest.fixture
def settings(settings: Settings, docker_server: DockerServer) -> Iterator[Settings]:
    docker = DockerSettings(url=docker_server.url, images=[IMAGE], max_running=1, stop_grace=1)
    runner = RunnerSettings(enabled=True, drain=1)
    yield settings.model_copy(update={"docker": docker, "runner": runner})
    docker_server.clear()


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Person:
    person = await make_person(app)
    client.headers.update(person.headers)
    return person


async def begin(client: httpx.AsyncClient, command: list[str], seconds: float = 60) -> str:
    """Have a job run a script; return where its execution is."""
    script = {"name": f"Script {new_id()}", "image": IMAGE, "entrypoint": command}
    made = (await client.post("/api/v1/scripts", json=script)).raise_for_status().json()
    target = {"type": "script", "script": made["slug"]}
    job = {"name": f"Job {new_id()}", "target": target, "timeout_seconds": seconds}
    id_ = (await client.post("/api/v1/jobs", json=job)).raise_for_status().json()["id"]
    return str((await client.post(f"/api/v1/jobs/{id_}/execute", json={})).raise_for_status().headers["location"])


async def end_of(client: httpx.AsyncClient, path: str) -> str:
    """Return the state in which an execution ended."""
    found: dict[str, str] = {}

    async def has_ended() -> bool:
        found.update((await client.get(path)).json())
        return found["finished_at"] is not None

    await eventually(has_ended, WITHIN_SECONDS)
    return found["state"]


async def has_begun(client: httpx.AsyncClient, path: str) -> None:
    async def is_running() -> bool:
        return bool((await client.get(path)).json()["state"] == "running")

    await eventually(is_running)


async def wait_in_line(client: httpx.AsyncClient, server: DockerServer, seconds: float = 60) -> tuple[str, str]:
    """Begin one that has the only place, and one that waits; return where they are."""
    first = await begin(client, LONG)
    await until(lambda: len(server.names()) == 1)
    second = await begin(client, SHORT, seconds)
    await has_begun(client, second)
    return first, second


@pytest.mark.usefixtures("ada")
async def test_a_script_waits_for_a_place_and_loses_no_time(
    client: httpx.AsyncClient, docker_server: DockerServer
) -> None:
    first, second = await wait_in_line(client, docker_server, TIME_SECONDS)
    await asyncio.sleep(TIME_SECONDS)
    assert len(docker_server.names()) == 1

    await client.post(f"{first}/cancel")
    assert "succeeded" == await end_of(client, second)


@pytest.mark.usefixtures("ada")
async def test_one_that_waits_can_be_cancelled(client: httpx.AsyncClient, docker_server: DockerServer) -> None:
    first, second = await wait_in_line(client, docker_server)
    await client.post(f"{second}/cancel")
    assert "cancelled" == await end_of(client, second)
    assert len(docker_server.names()) == 1

    third = await begin(client, SHORT)
    await client.post(f"{first}/cancel")
    assert "succeeded" == await end_of(client, third)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """Let the service live once."""
    with borrowed_app(settings) as app:
        transport = httpx.ASGITransport(app)
        async with lifespan_of(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            yield app, client


async def test_one_that_waits_when_its_replica_ends_waits_at_the_next(
    settings: Settings, docker_server: DockerServer
) -> None:
    async with served(settings) as (app, client):
        headers = (await make_person(app)).headers
        client.headers.update(headers)
        first, second = await wait_in_line(client, docker_server)

    async with served(settings) as (_, client):
        client.headers.update(headers)
        await has_begun(client, first)
        await client.post(f"{first}/cancel")
        assert ["cancelled", "succeeded"] == [await end_of(client, path) for path in (first, second)]
