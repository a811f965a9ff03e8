"""A real script begins work elsewhere, is stopped, and its work is stopped too."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import RunnerSettings, Settings
from tests.support.earthengine import TASK, EarthEngineServer
from tests.support.executions import eventually
from tests.support.people import Person, make_person
from tests.support.scripts import register, run

BEGINS = f"import time\nprint('::external earthengine {TASK}', flush=True)\ntime.sleep(60)\n"


@pytest.fixture
def settings(settings: Settings, server: EarthEngineServer) -> Iterator[Settings]:
    with TemporaryDirectory(prefix="stationmaster-data-") as made:
        Path(made).chmod(0o711)  # pytest's folders are shut to the user of the sandbox
        own = {"runner": RunnerSettings(), "scheduler_enabled": True, "data_dir": Path(made)}
        yield settings.model_copy(update=own | {"earthengine": server.settings()})


async def tasks_of(client: httpx.AsyncClient, by: Person, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(path, headers=by.headers)).json()["external_tasks"]
    return found


@pytest.mark.parametrize(("timeout_seconds", "state"), [(60, "cancelled"), (3, "timed_out")])
async def test_work_elsewhere_ends_with_the_script(
    app: FastAPI, client: httpx.AsyncClient, server: EarthEngineServer, timeout_seconds: int, state: str
) -> None:
    server.begin()
    ada = await make_person(app)
    slug = await register(client, ada, source=BEGINS, parameters={}, timeout_seconds=timeout_seconds)
    path = (await run(client, ada, slug)).headers["location"]

    async def has_begun() -> bool:
        return [TASK] == [task["task_id"] for task in await tasks_of(client, ada, path)]

    async def is_settled() -> bool:
        [task] = await tasks_of(client, ada, path)
        return bool(task["state"] == "cancelled")

    await eventually(has_begun, seconds=30)
    if state == "cancelled":
        await client.post(f"{path}/cancel", headers=ada.headers)
    await eventually(is_settled, seconds=30)

    assert state == (await client.get(path, headers=ada.headers)).json()["state"]
    assert "CANCELLED" == server.state_of()
