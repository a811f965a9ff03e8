"""The real service, killed while a container of its runs: one container, one effect, one whole log."""

import asyncio
from collections.abc import Iterator
from functools import partial
from uuid import UUID

import pytest

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.domains.executions.journals.chronicle import walk
from stationmaster.domains.executions.journals.entry import Entry, Kind
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.executions.targets.docker import DockerTarget
from stationmaster.entrypoints.secret_key import load_keyring
from stationmaster.kit.ids import new_id
from tests.support.docker import IMAGE, NEEDS_DOCKER, DockerServer
from tests.support.executions import ended, eventually, make_spec, store
from tests.support.mortal import Mortal, open_mortal

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(180)]

LINES = 300
SCRIPT = f"""
i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); sleep 0.05; done
echo '::result {{"effect": 1}}'
"""


@pytest.fixture
def mortal(settings: Settings, docker_server: DockerServer) -> Iterator[Mortal]:
    docker = {"DOCKER__URL": docker_server.url, "DOCKER__IMAGES": IMAGE, "DOCKER__REAP_EVERY": "1"}
    more = {"SCHEDULER_ENABLED": "true", "RUNNER__ENABLED": "true", "RUNNER__LEASE": "6", **docker}
    with open_mortal(settings, **more) as opened:
        yield opened
    docker_server.clear()


async def begin(database: Database, settings: Settings) -> UUID:
    sealer = load_keyring(settings).sealer("secrets at rest")
    target = DockerTarget.model_validate({"type": "docker", "image": IMAGE, "command": ["sh", "-c", SCRIPT]})
    spec = make_spec(target=target, host="docker", timeout_seconds=120, sealer=sealer, key=str(new_id()))
    [id_] = await store(database, spec)
    return id_


async def said(database: Database, id_: UUID) -> list[str]:
    """Return the lines of output that are kept."""
    entries = [entry async for page in walk(database, id_) for entry in page]
    return [entry.value for entry in entries if isinstance(entry, Entry) and entry.kind is Kind.OUTPUT]


async def test_a_container_outlives_the_service_that_began_it(
    mortal: Mortal, database: Database, settings: Settings, docker_server: DockerServer
) -> None:
    id_ = await begin(database, settings)
    containers = set()
    for lines in (20, 160):
        await eventually(partial(is_past, database, id_, lines), seconds=60)
        containers |= docker_server.names()
        await asyncio.to_thread(mortal.stop)
        mortal.start()
    execution = await ended(database, id_, seconds=90)
    log = await said(database, id_)
    await eventually(lambda: is_gone(docker_server))

    assert (State.SUCCEEDED, 1, 2, {"effect": 1}) == facts(execution)
    assert [f"line {number}" for number in range(LINES)] == [line for line in log if line.startswith("line")]
    assert {f"execution-{id_}-1"} == containers


def facts(execution: Execution) -> tuple[object, ...]:
    return execution.state, execution.attempt, execution.adopted_count, execution.result


async def is_past(database: Database, id_: UUID, lines: int) -> bool:
    return len(await said(database, id_)) >= lines


async def is_gone(docker_server: DockerServer) -> bool:
    return await asyncio.to_thread(docker_server.names) == set()
