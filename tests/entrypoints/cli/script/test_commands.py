"""From an empty folder to a running script, against a service in a process of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner, Result

from stationmaster.entrypoints.cli import app
from tests.entrypoints.cli.process import Running, started


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a data folder that another user can walk to; pytest's are shut to them."""
    with TemporaryDirectory(prefix="stationmaster-data-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


async def call(service: Running, key: str, *arguments: str) -> Result:
    """Call a command of the client in a thread: it waits for the service as any other process would."""
    environment = {"STATIONMASTER_URL": service.url(""), "STATIONMASTER_API_KEY": key}
    return await asyncio.to_thread(CliRunner().invoke, app, ["script", *arguments], env=environment)


async def make_key(service: Running) -> str:
    async with service.client() as client:
        answer = await client.post("/api-keys", json={"name": "author"})
        key: str = answer.raise_for_status().json()["key"]
        return key


@pytest.mark.timeout(120)
async def test_from_an_empty_folder_to_a_running_script(tmp_path: Path) -> None:
    project = tmp_path / "hello"
    with open_folder() as folder:
        async with started(folder, "serve") as service:
            await service.ready()
            key = await make_key(service)

            made = await call(service, key, "init", str(project))
            pushed = await call(service, key, "push", str(project))
            again = await call(service, key, "push", str(project))
            ran = await call(service, key, "run", "hello", "greeted=O'Brien; drop table", "times=1")
            logged = await call(service, key, "logs", "hello")
            published = await call(service, key, "publish", "hello")
            (project / "main.py").write_text("raise SystemExit(4)")
            await call(service, key, "push", str(project))
            failed = await call(service, key, "run", "hello")
            wrong = await call(service, key, "run", "hello", "times=0")
            absent = await call(service, key, "run", "absent")

    assert (made.exit_code, pushed.exit_code) == (0, 0), pushed.output
    assert "hello, version 1: SUCCESS" in pushed.stdout
    assert "hello, version 2: SUCCESS" in again.stdout
    assert (ran.exit_code, "Hello, O'Brien; drop table!" in ran.stdout) == (0, True), ran.output
    assert ran.stdout.splitlines()[-1] == '{"greeted": "O\'Brien; drop table", "times": 1}'
    assert "Hello, O'Brien; drop table!" in logged.stdout
    assert published.stdout == "hello is public now.\n"
    assert (failed.exit_code, "ended with" in failed.stderr) == (1, True), failed.output
    assert (wrong.exit_code, "params/times" in wrong.stderr) == (1, True), wrong.output
    assert absent.exit_code == 1
