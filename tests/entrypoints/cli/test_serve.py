"""`stationmaster serve` as a process: all the ways in which it ends, and that none of them loses anything."""

import asyncio
import signal
from pathlib import Path
from uuid import UUID

import pytest

from stationmaster.db.engine import open_database
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from tests.entrypoints.cli.process import eventually, half_a_request, run_job, started
from tests.support.executions import read, read_attempts
from tests.support.receiver import Receiver, open_receiver

pytestmark = pytest.mark.timeout(180)  # processes start slowly where many tests run at once

SHORT_LEASE = {"STATIONMASTER_RUNNER__LEASE": "2"}


def allowing(receiver: Receiver) -> dict[str, str]:
    return {"STATIONMASTER_OUTBOUND_ALLOW": f"127.0.0.1:{receiver.port}"}


async def look_up(folder: Path, id_: str) -> Execution:
    """Read an execution from the file that a service left behind."""
    async with open_database(f"sqlite+aiosqlite:///{folder / 'stationmaster.sqlite3'}") as database:
        return await read(database, UUID(id_))


async def test_an_open_request_holds_the_end_up_for_a_few_seconds_only(tmp_path: Path) -> None:
    """Leadership ends at the signal, not when the last connection is closed."""
    async with started(tmp_path, "serve") as service:
        await service.ready()
        await service.says("leads=True")
        async with half_a_request(service):
            code, seconds = await service.end(signal.SIGTERM)

    assert (0, True) == (code, 2 < seconds < 10), (seconds, service.text)
    resigned, cut = service.text.index("leads=False"), service.text.index("Cancel 1 running task")
    assert service.text.index("service.stopping") < resigned < cut < service.text.index("service.stopped")
    assert "Traceback" not in service.text


async def test_work_under_way_is_finished_before_the_end(tmp_path: Path) -> None:
    async with open_receiver() as receiver, started(tmp_path, "serve", allowing(receiver)) as service:
        await service.ready()
        async with service.client() as client:
            id_ = await run_job(client, receiver.url("/slow-body"), timeout_seconds=2)
        code, _ = await service.end(signal.SIGTERM)

    assert (0, State.TIMED_OUT) == (code, (await look_up(tmp_path, id_)).state)


async def test_the_port_is_shut_while_work_is_finished(tmp_path: Path) -> None:
    """So a load balancer sends requests elsewhere at once."""
    async with open_receiver() as receiver, started(tmp_path, "serve", allowing(receiver)) as service:
        await service.ready()
        async with service.client() as client:
            await run_job(client, receiver.url("/hang"), timeout_seconds=3)
        service.process.send_signal(signal.SIGINT)
        await eventually(lambda: is_shut(service.port))

        assert service.process.returncode is None
        assert 0 == (await service.end())[0]


async def is_shut(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    await writer.wait_closed()
    return False


async def test_a_second_signal_ends_it_at_once_and_loses_nothing(tmp_path: Path) -> None:
    """F26: what was running stands there as running, and its lease runs out."""
    async with open_receiver() as receiver, started(tmp_path, "serve", allowing(receiver)) as service:
        await service.ready()
        async with service.client() as client:
            id_ = await run_job(client, receiver.url("/hang"), timeout_seconds=60)
        code, seconds = await service.end(signal.SIGTERM, signal.SIGTERM)

    execution = await look_up(tmp_path, id_)
    assert (1, True) == (code, seconds < 5), (seconds, service.text)
    assert "Stopped at once" in service.text
    assert (State.RUNNING, True) == (execution.state, execution.lease_until is not None)


async def test_after_a_kill_the_next_start_takes_the_work_back(tmp_path: Path) -> None:
    async with open_receiver() as receiver:
        variables = allowing(receiver) | SHORT_LEASE
        async with started(tmp_path, "serve", variables) as service:
            await service.ready()
            async with service.client() as client:
                id_ = await run_job(client, receiver.url("/hang"), timeout_seconds=60)
            await service.end(signal.SIGKILL)
        async with started(tmp_path, "serve", variables) as service, asyncio.timeout(60):
            await receiver.received(2)

    assert [id_, id_] == [request.id for request in receiver.ledger]
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'stationmaster.sqlite3'}") as database:
        assert [State.LOST] == [attempt.state for attempt in await read_attempts(database, UUID(id_))]


async def test_the_log_is_complete_in_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    async with started(tmp_path, "serve", {"STATIONMASTER_LOG_FILES__DIR": str(folder)}) as service:
        await service.ready()
        assert 0 == (await service.end(signal.SIGTERM))[0]

    text = (folder / "stationmaster.log").read_text()
    assert text.index("service.listening") < text.index("service.stopping") < text.index("service.stopped")
    assert '"event": "service.stopped"' in (folder / "stationmaster.jsonl").read_text()
    assert "" == (folder / "errors.log").read_text()
