"""What a script in the sandbox leaves: artifacts, and the state of its job."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import RunnerSettings, Settings
from tests.support.executions import eventually
from tests.support.people import Person, make_person

COUNT = """
import json, os, sys
path = os.environ["STATE_FILE"]
state = json.load(open(path))
runs = state.get("runs", 0) + 1
json.dump({"runs": runs}, open(path, "w"))
open(os.path.join(os.environ["OUTPUT_DIR"], "rows.csv"), "w").write(f"run,{runs}")
open(os.path.join(os.environ["OUTPUT_DIR"], "scratch.tmp"), "w").write("not declared")
sys.exit(json.loads(os.environ["PARAMS"]).get("code", 0))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a data folder that another user can walk to; pytest's are shut to them."""
    with TemporaryDirectory(prefix="stationmaster-data-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def settings(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"data_dir": folder, "runner": RunnerSettings(enabled=True)})


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


@pytest.fixture
async def job(client: httpx.AsyncClient, ada: Person) -> str:
    """Register a script that counts its runs, and a job that runs it."""
    parameters = {"properties": {"code": {"type": "integer"}}}
    script = {"name": "Count", "source": COUNT, "parameters": parameters, "outputs": ["*.csv"]}
    made = (await client.post("/api/v1/scripts", json=script, headers=ada.headers)).raise_for_status().json()
    target = {"type": "script", "script": made["slug"]}
    answer = await client.post("/api/v1/jobs", json={"name": "count", "target": target}, headers=ada.headers)
    id_: str = answer.raise_for_status().json()["id"]
    return id_


async def execute(client: httpx.AsyncClient, by: Person, job: str, **params: Any) -> dict[str, Any]:
    """Run the job once, to its end."""
    answer = await client.post(f"/api/v1/jobs/{job}/execute", json={"params": params}, headers=by.headers)
    path = answer.raise_for_status().headers["location"]
    found: dict[str, Any] = {}

    async def has_ended() -> bool:
        found.update((await client.get(path, headers=by.headers)).json())
        return found["finished_at"] is not None

    await eventually(has_ended, seconds=30)
    return found


async def state_of(client: httpx.AsyncClient, by: Person, job: str) -> Any:
    return (await client.get(f"/api/v1/jobs/{job}/state", headers=by.headers)).json()


async def test_declared_outputs_are_artifacts(client: httpx.AsyncClient, ada: Person, job: str) -> None:
    ended = await execute(client, ada, job)
    path = f"/api/v1/executions/{ended['id']}/artifacts"
    listed = (await client.get(path, headers=ada.headers)).json()
    content = await client.get(f"{path}/rows.csv", headers=ada.headers)

    assert "succeeded" == ended["state"], ended
    assert ["rows.csv"] == [each["name"] for each in listed["items"]]
    assert "run,1" == content.text


async def test_a_state_counts_when_its_run_succeeds(client: httpx.AsyncClient, ada: Person, job: str) -> None:
    for code in (0, 3, 0):
        ended = await execute(client, ada, job, code=code)
        assert ("failed" if code else "succeeded") == ended["state"], ended

    async def has_settled() -> bool:
        return bool((await state_of(client, ada, job)) == {"runs": 2})

    await eventually(has_settled)
