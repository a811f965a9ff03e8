"""`stationmaster demo` as a newcomer meets it."""

import asyncio
import re
import signal
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from sqlmodel import col, select

from stationmaster.db.engine import open_database
from stationmaster.db.session import read_only
from stationmaster.domains.jobs.models import Job
from stationmaster.entrypoints.cli.demo import hints
from tests.entrypoints.cli.process import Running, started

pytestmark = pytest.mark.timeout(180)


async def copy_lines(service: Running, *, typing: str = "") -> str:
    """Run the lines that the demonstration offers, as they are, and return what they print."""
    lines = [line for line in service.text.rpartition("as they are:")[2].splitlines() if line.startswith("  ")]
    command = ("bash", "-euo", "pipefail", "-c", "\n".join(lines))
    shell = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    async with asyncio.timeout(30):
        output, _ = await shell.communicate(typing.encode())
    assert shell.returncode == 0
    return output.decode()


async def paused_jobs(folder: Path) -> list[str]:
    url = f"sqlite+aiosqlite:///{folder / 'stationmaster.sqlite3'}"
    async with open_database(url) as database, read_only(database) as session:
        return list(await session.scalars(select(Job.name).where(col(Job.paused_at).is_not(None))))


async def test_it_shows_executions_and_lines_that_can_be_copied(tmp_path: Path) -> None:
    async with started(tmp_path, "demo", {"STATIONMASTER_MIN_INTERVAL_SECONDS": "60"}) as service:
        await service.says("succeeded  demo-heartbeat", "succeeded  demo-signed")
        answers = await copy_lines(service, typing="seven silent semaphores\n")

        assert 0 == (await service.end(signal.SIGINT))[0]
    assert "Traceback" not in service.text
    assert 4 == len(await paused_jobs(tmp_path))
    assert '"state":"succeeded"' in answers
    assert "demo-flaky" in answers
    assert '"status":"ok"' in answers


async def test_after_a_kill_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with started(tmp_path, "demo", has_account=False) as service:
        await service.says("succeeded  demo-heartbeat")
        [password] = re.findall(r"Superadmin admin@example.com, password (\S+)", service.text)
        assert '"status":"ok"' in await copy_lines(service)
        await service.end(signal.SIGKILL)
    (tmp_path / "output.txt").unlink()

    async with started(tmp_path, "demo", has_account=False) as service:
        await service.says("succeeded  demo-heartbeat")
        answers = await copy_lines(service, typing=f"{password}\n")
        assert 0 == (await service.end(signal.SIGTERM))[0]
    assert (False, 1) == (password in service.text, answers.count('"Signs its call'))


async def test_it_stays_on_its_own_file_whatever_the_settings_say(tmp_path: Path) -> None:
    url = "postgresql+asyncpg://ada@127.0.0.1:1/production"
    variables = {"STATIONMASTER_DATABASE_URL": url, "STATIONMASTER_RUNNER__ENABLED": "0"}
    async with started(tmp_path, "demo", variables) as service:
        await service.says("succeeded  demo-heartbeat", str(tmp_path / "stationmaster.sqlite3"))


@pytest.mark.parametrize(("email", "password"), [("o'brien@example.com", None), ("ada@example.com", "pass-word")])
async def test_lines_survive_the_shell(email: str, password: str | None) -> None:
    login = next(line for line in hints("http://127.0.0.1:1", email, password) if "login" in line)
    body = login.partition(" -d ")[2].partition(" | sed")[0]
    shell = await asyncio.create_subprocess_exec("bash", "-c", f"PASSWORD=typed; printf %s {body}", stdout=PIPE)

    output, _ = await shell.communicate()
    assert f'{{"email": "{email}", "password": "{password or "typed"}"}}' == output.decode()
