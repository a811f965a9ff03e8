"""A script in a container, from its job to the state that the job keeps."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import RunnerSettings, Settings
from stationmaster.setting_groups import DockerSettings
from tests.domains.executions.kinds.test_script_leavings import execute, state_of
from tests.support.docker import IMAGE, NEEDS_DOCKER, DockerServer
from tests.support.executions import eventually
from tests.support.people import make_person

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(120)]

COUNT = """
runs=$(tr -dc 0-9 < "$STATE_FILE"); echo "{\\"runs\\": $((${runs:-0} + 1))}" > "$STATE_FILE"
case "$PARAMS" in *fail*) exit 3;; esac
"""


@pytest.fixture
def settings(settings: Settings, docker_server: DockerServer) -> Iterator[Settings]:
    docker = DockerSettings(url=docker_server.url, images=[IMAGE])
    yield settings.model_copy(update={"docker": docker, "runner": RunnerSettings(enabled=True)})
    docker_server.clear()


async def test_a_state_counts_when_its_run_succeeds(client: httpx.AsyncClient, app: FastAPI) -> None:
    ada = await make_person(app)
    parameters = {"properties": {"mode": {"type": "string"}}}
    script = {"name": "Count", "image": IMAGE, "entrypoint": ["sh", "-c", COUNT], "parameters": parameters}
    made = (await client.post("/api/v1/scripts", json=script, headers=ada.headers)).raise_for_status().json()
    body = {"name": "count", "target": {"type": "script", "script": made["slug"]}}
    job = (await client.post("/api/v1/jobs", json=body, headers=ada.headers)).raise_for_status().json()["id"]

    for mode, runs in (("count", 1), ("fail", 1), ("count", 2)):
        ended = await execute(client, ada, job, mode=mode)
        assert ("failed" if mode == "fail" else "succeeded") == ended["state"], ended

        async def has_settled(expected: int = runs) -> bool:
            return bool((await state_of(client, ada, job)) == {"runs": expected})

        await eventually(has_settled)
