"""The service as a real process, killed while it runs scripts."""

import asyncio
import signal
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from tests.entrypoints.cli.process import eventually, started

LEASE = {"STATIONMASTER_RUNNER__LEASE": "6"}
HIDE = """
import os
print("up", flush=True)
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.execvp("sleep", ["sleep", "{mark}"])
os.execvp("sleep", ["sleep", "{mark}"])
"""


def sleepers(mark: str) -> list[psutil.Process]:
    running = psutil.process_iter(["cmdline", "status"])
    return [each for each in running if each.info["cmdline"] == ["sleep", mark] and each.info["status"] != "zombie"]


@pytest.mark.timeout(150)
async def test_no_process_survives_a_killed_service(tmp_path: Path) -> None:
    """Scripts that detach themselves, three at once; then the service starts again, and knows what became of them."""
    mark = f"{1000 + uuid4().int % 10**6}.{uuid4().int % 10**6}"
    async with started(tmp_path, "serve", LEASE) as service:
        await service.ready()
        async with service.client() as client:
            script = {"name": "Hide", "source": HIDE.format(mark=mark)}
            slug = (await client.post("/scripts", json=script)).raise_for_status().json()["slug"]
            answers = [await client.post(f"/scripts/{slug}/run", json={}) for _ in range(3)]
            ids = [answer.raise_for_status().json()["id"] for answer in answers]

        async def all_run() -> bool:
            return len(sleepers(mark)) == 9

        await eventually(all_run)
        service.process.send_signal(signal.SIGKILL)
        began = time.monotonic()
        while sleepers(mark):
            assert time.monotonic() - began < 1, sleepers(mark)
            await asyncio.sleep(0.01)

    async with started(tmp_path, "serve", LEASE) as service:
        await service.ready()
        async with service.client() as client:

            async def all_are_lost() -> bool:
                found = [(await client.get(f"/executions/{id_}")).json() for id_ in ids]
                return [each["state"] for each in found] == ["lost"] * 3

            await eventually(all_are_lost)
        assert 1 == len([*(tmp_path / "sandbox").iterdir()]), "the folders of the dead are gone"
