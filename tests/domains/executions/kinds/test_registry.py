"""An image in a private registry, pulled by a login that is a stored secret."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import RunnerSettings, Settings
from stationmaster.kit.ids import new_id
from stationmaster.setting_groups import DockerSettings
from tests.domains.executions.kinds.test_script_leavings import execute
from tests.support.canary import dump
from tests.support.databases import ONLY_SQLITE
from tests.support.docker import NEEDS_DOCKER, DockerServer
from tests.support.people import Person, make_person
from tests.support.registry import REPOSITORY, Registry, open_registry

pytestmark = [NEEDS_DOCKER, ONLY_SQLITE, pytest.mark.timeout(120)]

LOGIN = "robot:canary-7c41-pass:word"
SHOW = ["/bin/sh", "-c", 'read line < /mark; echo "::result {\\"mark\\": \\"$line\\"}"']


@pytest.fixture(params=[False, True], ids=["basic", "token"])
async def registry(docker_server: DockerServer, request: pytest.FixtureRequest) -> AsyncIterator[Registry]:
    async with open_registry(docker_server, login=LOGIN, has_tokens=request.param) as opened:
        opened.keep_image(str(new_id()))
        yield opened


@pytest.fixture
def settings(settings: Settings, docker_server: DockerServer) -> Iterator[Settings]:
    docker = DockerSettings(url=docker_server.url, images=[f"127.0.0.1:*/{REPOSITORY}:1"])
    yield settings.model_copy(update={"docker": docker, "runner": RunnerSettings(enabled=True)})
    docker_server.clear()


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


async def store(client: httpx.AsyncClient, by: Person, login: str) -> None:
    secret = {"name": "REGISTRY", "value": login}
    (await client.post("/api/v1/secrets", json=secret, headers=by.headers)).raise_for_status()


async def grant(client: httpx.AsyncClient, by: Person, **whom: list[str]) -> None:
    (await client.put("/api/v1/secrets/REGISTRY", json=whom, headers=by.headers)).raise_for_status()


async def pull(client: httpx.AsyncClient, by: Person, registry: Registry, login: str | None) -> dict[str, Any]:
    """Have a job run the image, with a login as its credential; return how it ended."""
    target: dict[str, Any] = {"type": "docker", "image": registry.image, "command": SHOW}
    if login is not None:
        await store(client, by, login)
        target["credential"] = "REGISTRY"
    made = await client.post("/api/v1/jobs", json={"name": "tool", "target": target}, headers=by.headers)
    job = made.raise_for_status().json()["id"]
    if login is not None:
        await grant(client, by, jobs=[job])
    return await execute(client, by, job)


async def test_who_knows_the_login_gets_the_image(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, registry: Registry
) -> None:
    ended = await pull(client, ada, registry, LOGIN)

    assert "succeeded" == ended["state"], ended
    assert {"mark": registry.mark} == ended["result"]
    assert registry.has_tokens == bool(registry.tokens_given)
    assert "canary-7c41" not in await dump(app.state.database)


async def test_a_script_gets_its_image_by_a_login_that_is_granted_to_it(
    client: httpx.AsyncClient, ada: Person, registry: Registry
) -> None:
    await store(client, ada, LOGIN)
    body = {"name": "Tool", "image": registry.image, "entrypoint": SHOW, "credential": "REGISTRY"}
    script = (await client.post("/api/v1/scripts", json=body, headers=ada.headers)).raise_for_status().json()
    refused = await client.post(f"/api/v1/scripts/{script['id']}/run", json={}, headers=ada.headers)
    await grant(client, ada, scripts=[script["id"]])
    target = {"type": "script", "script": script["slug"]}
    made = await client.post("/api/v1/jobs", json={"name": "tool", "target": target}, headers=ada.headers)
    ended = await execute(client, ada, made.raise_for_status().json()["id"])

    assert (409, "REGISTRY") == (refused.status_code, script["credential"])
    assert {"mark": registry.mark} == ended["result"], ended


@pytest.mark.parametrize("login", [None, "robot:wrong", "stranger:canary-7c41-pass:word"])
async def test_who_does_not_know_it_gets_nothing(
    client: httpx.AsyncClient, ada: Person, registry: Registry, docker_server: DockerServer, login: str | None
) -> None:
    ended = await pull(client, ada, registry, login)

    assert "failed" == ended["state"], ended
    assert re.search("no basic auth credentials|authentication required", ended["error"])
    assert registry.refused
    assert registry.host not in docker_server.call("images").stdout.decode()
