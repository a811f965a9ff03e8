"""One attempt in one service of a swarm, on a real engine that manages one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from stationmaster.domains.executions.states import Reason, State
from stationmaster.outbound.docker.engine import Engine
from stationmaster.outbound.docker.swarm import Swarm
from tests.support.containers import Attempt, house, make_attempt
from tests.support.docker import NEEDS_DOCKER, DockerServer, until

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(120)]

SWARM = house(mode="swarm", place_within=2)


@pytest.fixture(autouse=True)
async def swarm(engine: Engine, docker_server: DockerServer) -> AsyncIterator[Swarm]:
    if not (await engine.report()).is_manager:
        docker_server.call("swarm", "init", "--advertise-addr", "127.0.0.1")
    yield Swarm(engine)
    docker_server.clear()


def services(docker_server: DockerServer) -> list[str]:
    return docker_server.call("service", "ls", "--format", "{{.Name}}").stdout.decode().split()


async def test_a_service_does_the_work_once(engine: Engine, docker_server: DockerServer) -> None:
    script = 'echo "$PARAMS"; id -u; echo "${OUTPUT_DIR-none}"'
    attempt = make_attempt(engine, "sh", "-c", script, settings=SWARM, params={"x": "a b"})
    outcome = await attempt.run()

    assert (State.SUCCEEDED, 0) == (outcome.state, outcome.code)
    assert ['{"x":"a b"}', "65534", "none"] == attempt.said
    assert [attempt.name] == services(docker_server)


@pytest.mark.parametrize(
    ("command", "reason", "code"),
    [
        (["sh", "-c", "exit 3"], Reason.EXIT_CODE, 3),
        (["no-such-command"], Reason.EXIT_CODE, 127),
        (["dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"], Reason.OOM, 137),
    ],
    ids=["exit", "missing", "memory"],
)
async def test_a_failure_says_why(engine: Engine, command: list[str], reason: Reason, code: int) -> None:
    outcome = await make_attempt(engine, *command, settings=SWARM, memory_mb=32).run()

    assert (State.FAILED, reason, code) == (outcome.state, outcome.reason, outcome.code)


async def test_what_a_dead_replica_began_is_taken_over_with_its_whole_log(
    engine: Engine, docker_server: DockerServer
) -> None:
    script = "i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); sleep 0.2; done"
    first = make_attempt(engine, "sh", "-c", script, settings=SWARM)
    await abandon(first, after_lines=5)
    second = make_attempt(engine, settings=SWARM)
    second.id, second.target, second.desk = first.id, first.target, first.desk
    outcome = await second.run()

    assert State.SUCCEEDED is outcome.state
    all_of_it = [f"line {number}" for number in range(20)]
    assert (all_of_it, all_of_it[: len(first.said)]) == (second.said, first.said)
    assert [first.name] == services(docker_server)


async def test_one_that_was_started_and_is_gone_is_lost(engine: Engine, swarm: Swarm) -> None:
    first = make_attempt(engine, "sh", "-c", "echo up; sleep 60", settings=SWARM)
    await abandon(first, after_lines=1)
    await swarm.remove_service(first.name)

    assert State.LOST is (await first.run()).state


async def test_one_that_takes_too_long_is_removed(engine: Engine, docker_server: DockerServer) -> None:
    outcome = await make_attempt(engine, "sleep", "60", settings=SWARM, timeout_seconds=3).run()

    assert State.TIMED_OUT is outcome.state
    assert [] == services(docker_server)


async def test_a_cancelled_one_is_removed(engine: Engine, docker_server: DockerServer) -> None:
    attempt = make_attempt(engine, "sh", "-c", "echo up; sleep 60", settings=SWARM)
    await abandon(attempt, after_lines=1)
    await attempt.stop()

    assert [] == services(docker_server)


async def test_one_that_no_node_takes_says_why(engine: Engine) -> None:
    attempt = make_attempt(engine, "true", settings=house(mode="swarm", place_within=2, max_cpu=256), cpu=200)
    attempt.target = attempt.target.model_copy(update={"image": attempt.target.image})
    outcome = await attempt.run()

    assert (State.FAILED, Reason.SERVER_ERROR) == (outcome.state, outcome.reason)


async def test_a_service_without_a_network_reaches_nobody(engine: Engine) -> None:
    script = "wget -T 1 -q -O - http://172.17.0.1:1/ 2>&1; ip route | grep default; echo done"
    attempt = make_attempt(engine, "sh", "-c", script, settings=SWARM)
    await attempt.run()

    assert "done" == attempt.said[-1]
    assert not [line for line in attempt.said if "default" in line or "refused" in line]


async def test_outputs_are_refused(engine: Engine) -> None:
    attempt = make_attempt(engine, "true", settings=SWARM, outputs=["report.csv"])

    with pytest.raises(ValueError, match="no outputs"):
        attempt.executor.check(attempt.target)


async def abandon(attempt: Attempt, *, after_lines: int) -> None:
    """Let a replica die in the middle of an attempt."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(attempt.run())
        await until(lambda: len(attempt.said) >= after_lines)
        task.cancel()
