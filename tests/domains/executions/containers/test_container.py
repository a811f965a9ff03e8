"""One attempt in one container, on a real engine."""

import asyncio
from typing import Any

import pytest

from stationmaster.domains.executions.journal import Stream, TrialJournal
from stationmaster.domains.executions.states import Reason, State
from stationmaster.outbound.docker.engine import Engine, open_engine
from tests.support.containers import Attempt, house, make_attempt
from tests.support.docker import IMAGE, NEEDS_DOCKER, DockerServer, until

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(120)]

COUNT = "i=0; while [ $i -lt {n} ]; do echo line $i; i=$((i+1)); sleep {pause}; done"


async def test_a_program_succeeds_and_all_it_said_is_kept_in_order(engine: Engine) -> None:
    attempt = make_attempt(engine, "sh", "-c", COUNT.format(n=50, pause=0))
    outcome = await attempt.run()

    assert (State.SUCCEEDED, 0) == (outcome.state, outcome.code)
    assert [f"line {number}" for number in range(50)] == attempt.said


async def test_params_reach_the_program_unchanged(engine: Engine) -> None:
    value = "quotes ' \" ; $(id) `id` \\ \n newline; drop table users; ::result {}"
    attempt = make_attempt(engine, "sh", "-c", 'cat "$PARAMS_FILE" > "$RESULT_FILE"', params={"x": value})

    assert {"x": value} == (await attempt.run()).result


async def test_each_argument_is_one_argument(engine: Engine) -> None:
    attempt = make_attempt(engine, "printf", "%s\\n", "a b", "$HOME", "; id", "--privileged")
    await attempt.run()

    assert ["a b", "$HOME", "; id", "--privileged"] == attempt.said


async def test_a_last_line_without_an_end_is_kept(engine: Engine) -> None:
    """A followed log often ends without it, and never twice has it: so it is tried often."""
    attempts = [make_attempt(engine, "printf", f"one\nlast {number}") for number in range(12)]
    for attempt in attempts:
        await attempt.run()

    assert [["one", f"last {number}"] for number in range(12)] == [attempt.said for attempt in attempts]


async def test_the_environment_is_what_was_given_and_nothing_of_ours(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATIONMASTER_SECRET_KEY", "the service's own")
    attempt = make_attempt(engine, "env", env={"MINE": "1"}, secrets=["TOKEN"])
    await attempt.run()
    names = {line.partition("=")[0] for line in attempt.said}

    own = {"EXECUTION_ID", "PARAMS", "PARAMS_FILE", "RESULT_FILE", "STATE_FILE", "OUTPUT_DIR", "HOME"}
    assert {"MINE", "TOKEN", *own} == names - {"PATH", "HOSTNAME"}
    assert ["user:value-of-TOKEN"] == attempt.journal.masked


async def test_with_a_network_it_can_report_on_itself(engine: Engine) -> None:
    attempt = make_attempt(engine, "env", settings=house(network="bridge"), network="bridge")
    await attempt.run()

    assert "STATIONMASTER_URL=http://station.example" in attempt.said
    assert "STATIONMASTER_TOKEN=the token of this attempt" in attempt.said
    assert ["the token of this attempt"] == attempt.journal.masked


@pytest.mark.parametrize(
    ("command", "reason", "code"),
    [
        (["sh", "-c", "exit 3"], Reason.EXIT_CODE, 3),
        (["no-such-command"], Reason.EXIT_CODE, 127),
        (["sh", "-c", "kill -9 $$"], Reason.EXIT_CODE, 137),
        (["dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"], Reason.OOM, 137),
    ],
    ids=["exit", "missing", "killed", "memory"],
)
async def test_a_failure_says_why(engine: Engine, command: list[str], reason: Reason, code: int) -> None:
    outcome = await make_attempt(engine, *command, memory_mb=32).run()

    assert (State.FAILED, reason, code) == (outcome.state, outcome.reason, outcome.code)


async def test_a_program_that_takes_too_long_is_asked_to_end_and_has_the_last_word(engine: Engine) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo up; sleep 60 & wait"
    attempt = make_attempt(engine, "sh", "-c", script, timeout_seconds=2, settings=house(stop_grace=5))
    outcome = await attempt.run()

    assert (State.TIMED_OUT, Reason.TIMEOUT) == (outcome.state, outcome.reason)
    assert ["up", "bye"] == attempt.said


async def test_its_own_time_may_be_shorter_than_the_job_s(engine: Engine) -> None:
    attempt = make_attempt(engine, "sleep", "60")
    attempt.target = attempt.target.model_copy(update={"timeout_seconds": 1})

    assert State.TIMED_OUT is (await attempt.run()).state


async def test_a_cancelled_one_is_stopped_for_good(engine: Engine, docker_server: DockerServer) -> None:
    attempt = make_attempt(engine, "sh", "-c", "trap '' TERM; echo up; sleep 60")
    await abandon(attempt, after_lines=1)
    await attempt.stop()

    assert [] == docker_server.call("ps", "--quiet").stdout.split()


async def test_a_cancelled_one_has_the_last_word(engine: Engine) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo up; sleep 60 & wait"
    attempt = make_attempt(engine, "sh", "-c", script, settings=house(stop_grace=5))
    await abandon(attempt, after_lines=1)
    await attempt.stop()

    assert ["up", "bye"] == attempt.said


async def test_what_a_dead_replica_began_is_taken_over_with_its_whole_log(
    engine: Engine, docker_server: DockerServer
) -> None:
    first = make_attempt(engine, "sh", "-c", COUNT.format(n=30, pause="0.1"))
    await abandon(first, after_lines=7)
    second = make_attempt(engine)
    second.id, second.target, second.desk = first.id, first.target, first.desk
    outcome = await second.run()

    assert State.SUCCEEDED is outcome.state
    all_of_it = [f"line {number}" for number in range(30)]
    assert (all_of_it, all_of_it[: len(first.said)]) == (second.said, first.said)
    assert {first.name} == docker_server.names()


async def test_one_that_ended_while_nobody_looked_is_judged(engine: Engine) -> None:
    first = make_attempt(engine, "sh", "-c", 'echo \'{"n": 1}\' > "$RESULT_FILE"; echo up; sleep 1; exit 4')
    await abandon(first, after_lines=1)
    await engine.wait_for_exit(first.name)
    outcome = await first.run()

    assert (State.FAILED, 4, {"n": 1}) == (outcome.state, outcome.code, outcome.result)


async def test_one_that_was_started_and_is_gone_is_lost(engine: Engine) -> None:
    first = make_attempt(engine, "sh", "-c", "echo up; sleep 60")
    await abandon(first, after_lines=1)
    await engine.remove_container(first.name)

    assert (State.LOST, Reason.LOST) == ((await first.run()).state, (await first.run()).reason)


async def test_one_on_an_engine_out_of_reach_is_lost(engine: Engine) -> None:
    attempt = make_attempt(engine, "true")
    attempt.desk.handle = {"engine": "another", "is_started": False, "ends_at": "2126-01-01T00:00:00+00:00"}

    assert State.LOST is (await attempt.run()).state


async def test_one_that_never_started_is_made_anew(engine: Engine, docker_server: DockerServer) -> None:
    attempt = make_attempt(engine, "echo", "done")
    await engine.create_container(attempt.name, {"Image": IMAGE, "Cmd": ["echo", "half made"]})
    outcome = await attempt.run()

    assert (State.SUCCEEDED, ["done"]) == (outcome.state, attempt.said)
    assert {attempt.name} == docker_server.names()


async def test_its_time_goes_on_over_a_change_of_replica(engine: Engine) -> None:
    first = make_attempt(engine, "sh", "-c", "echo up; sleep 60", timeout_seconds=3)
    await abandon(first, after_lines=1)
    async with asyncio.timeout(10):
        outcome = await first.run()

    assert State.TIMED_OUT is outcome.state


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"image": "other:1"}, "may not run here"),
        ({"network": "bridge"}, "no network here"),
        ({"memory_mb": 5000}, "memory_mb is at most 4096"),
        ({"cpu": 5}, "cpu is at most 4"),
        ({"pids": 2000}, "pids is at most 1024"),
    ],
)
async def test_what_the_house_does_not_run_is_refused_when_defined_and_when_run(
    engine: Engine, fields: dict[str, Any], words: str
) -> None:
    attempt = make_attempt(engine, "true", **fields)
    outcome = await attempt.run()

    with pytest.raises(ValueError, match=words):
        attempt.executor.check(attempt.target)
    assert (State.FAILED, Reason.BLOCKED, True) == (outcome.state, outcome.reason, outcome.is_final)


async def test_a_registry_that_is_not_there_may_be_there_later(engine: Engine) -> None:
    outcome = await make_attempt(engine, image="127.0.0.1:1/x:1", settings=house(images=["*"])).run()

    assert (State.FAILED, Reason.SERVER_ERROR, False) == (outcome.state, outcome.reason, outcome.is_final)
    assert "refused" in str(outcome.error)


async def test_without_an_engine_it_is_an_infrastructure_failure(docker_server: DockerServer) -> None:
    async with open_engine(f"{docker_server.url}.not") as away:
        outcome = await make_attempt(away, "true", settings=house(patience=1)).run()

    assert (State.FAILED, Reason.NETWORK_ERROR, False) == (outcome.state, outcome.reason, outcome.is_final)


async def test_a_result_that_is_no_object_is_passed_over(engine: Engine) -> None:
    outcome = await make_attempt(engine, "sh", "-c", 'echo [1] > "$RESULT_FILE"').run()

    assert (State.SUCCEEDED, None) == (outcome.state, outcome.result)


async def test_declared_outputs_are_kept_and_nothing_else(engine: Engine) -> None:
    script = """
        cd "$OUTPUT_DIR"; echo made > report.csv; echo other > notes.txt; ln -s /etc/passwd secrets
        mkdir folder; echo inner > folder/inner; dd if=/dev/zero of=big bs=1M count=3; exit 3
    """
    outputs = ["report.csv", "secrets", "folder", "big", "missing"]
    attempt = make_attempt(engine, "sh", "-c", script, outputs=outputs, settings=house(output_mb=2))
    outcome = await attempt.run()

    assert 3 == outcome.code
    assert {"report.csv": b"made\n"} == attempt.desk.kept
    assert outputs[1:] == [line.split()[2] for line in attempt.said if line.startswith("The output")]


async def test_a_flood_is_taken_in_whole(engine: Engine) -> None:
    attempt = make_attempt(engine, "seq", "200000")
    attempt.journal = CountingJournal()
    outcome = await attempt.run()

    assert (State.SUCCEEDED, 200_000) == (outcome.state, attempt.journal.lines)


class CountingJournal(TrialJournal):
    """Counts the lines that it is given, and keeps none."""

    lines = 0

    async def feed(self, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        self.lines += data.count(b"\n")


async def abandon(attempt: Attempt, *, after_lines: int) -> None:
    """Let a replica die in the middle of an attempt."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(attempt.run())
        await until(lambda: len(attempt.said) >= after_lines)
        task.cancel()
