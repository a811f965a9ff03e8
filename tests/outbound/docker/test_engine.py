"""The client, against a real engine."""

import asyncio
from typing import Any

import pytest

from stationmaster.outbound.docker.archive import Member, pack, unpack
from stationmaster.outbound.docker.engine import Engine, RegistryLogin, open_engine
from stationmaster.outbound.docker.errors import Conflict, EngineAway, EngineRefused, NotThere
from tests.support.docker import IMAGE, NEEDS_DOCKER, DockerServer

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(120)]


def config(*command: str, **more: Any) -> dict[str, Any]:
    return {"Image": IMAGE, "Cmd": list(command), "HostConfig": {"NetworkMode": "none", **more}}


async def lines(engine: Engine, id_: str, skip: int = 0) -> list[str]:
    blocks = [block.data.decode() async for block in engine.follow_log(f"containers/{id_}", skip_lines=skip)]
    return "".join(blocks).splitlines(keepends=True)


async def test_a_container_is_made_followed_and_removed(engine: Engine) -> None:
    id_ = await engine.create_container("whole-life", config("sh", "-c", "echo out; echo err >&2; exit 3"))
    await engine.start_container(id_)
    said = await lines(engine, id_)
    await engine.wait_for_exit(id_)
    found = await engine.find_container("whole-life")
    await engine.remove_container(id_)

    assert {"out\n", "err\n"} == set(said)
    assert found is not None
    assert ("exited", 3) == (found["State"]["Status"], found["State"]["ExitCode"])
    assert await engine.find_container("whole-life") is None


async def test_a_log_is_read_on_from_any_line(engine: Engine) -> None:
    id_ = await engine.create_container("counting", config("sh", "-c", "for i in 1 2 3 4 5; do echo $i; done"))
    await engine.start_container(id_)
    await engine.wait_for_exit(id_)

    assert ["4\n", "5\n"] == await lines(engine, id_, skip=3)
    await engine.remove_container(id_)


async def test_a_name_is_given_once(engine: Engine) -> None:
    await engine.create_container("only-one", config("true"))

    with pytest.raises(Conflict):
        await engine.create_container("only-one", config("true"))
    await engine.remove_container("only-one")


async def test_what_is_gone_or_has_ended_needs_no_stopping_or_removing(engine: Engine) -> None:
    await engine.stop_container("never-was", grace_seconds=1)
    await engine.remove_container("never-was")

    assert await engine.find_container("never-was") is None
    assert await engine.get_archive("never-was", "/tmp", max_bytes=10) is None


async def test_a_stubborn_program_is_killed_after_its_grace(engine: Engine) -> None:
    stubborn = config("sh", "-c", "trap '' TERM; echo up; sleep 60")
    id_ = await engine.create_container("stubborn", stubborn)
    await engine.start_container(id_)
    async with asyncio.timeout(20):
        await anext(engine.follow_log(f"containers/{id_}"))
        await engine.stop_container(id_, grace_seconds=1)
    found = await engine.find_container(id_)
    await engine.remove_container(id_)

    assert found is not None
    assert 137 == found["State"]["ExitCode"]


async def test_files_go_in_and_come_out_and_too_much_does_not(engine: Engine) -> None:
    volume = {"Mounts": [{"Type": "volume", "Target": "/work"}], "ReadonlyRootfs": True}
    id_ = await engine.create_container("files", config("sh", "-c", "cp /work/in /work/out", **volume))
    await engine.put_archive(id_, "/work", pack([Member("in", b"something")]))
    await engine.start_container(id_)
    await engine.wait_for_exit(id_)
    raw = await engine.get_archive(id_, "/work/out", max_bytes=100_000)

    assert raw is not None
    assert [("out", b"something")] == list(unpack(raw))
    assert await engine.get_archive(id_, "/work/out", max_bytes=100) is None
    assert await engine.get_archive(id_, "/work/nothing", max_bytes=100_000) is None
    await engine.remove_container(id_)


async def test_only_containers_with_the_label_are_listed(engine: Engine) -> None:
    id_ = await engine.create_container("labelled", {**config("true"), "Labels": {"mine": "1"}})
    await engine.create_container("other", {**config("true"), "Labels": {"mine": "2"}})

    assert {id_: {"mine": "1"}} == await engine.list_containers("mine=1")
    await engine.remove_container("labelled")
    await engine.remove_container("other")


async def test_an_image_that_is_not_there_is_said_so(engine: Engine) -> None:
    assert await engine.find_image("no/such:image") is None
    with pytest.raises(NotThere):
        await engine.create_container("x", {"Image": "no/such:image"})
    with pytest.raises(EngineRefused):
        await engine.pull_image("127.0.0.1:1/no/such", RegistryLogin("127.0.0.1:1", "user", "password"))


async def test_the_engine_says_what_it_is(engine: Engine) -> None:
    report = await engine.report()

    assert report.id == await engine.find_id()
    assert () == report.missing


async def test_an_engine_that_is_not_there_is_away(docker_server: DockerServer) -> None:
    async with open_engine(f"{docker_server.url}.not") as engine:
        with pytest.raises(EngineAway):
            await engine.report()
        with pytest.raises(EngineAway):
            await lines(engine, "any")
