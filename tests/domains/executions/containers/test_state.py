"""The state of a job, in and out of a container."""

from typing import Any

import pytest

from stationmaster.domains.executions.states import State
from stationmaster.kit.ids import new_id
from stationmaster.outbound.docker.engine import Engine
from tests.domains.executions.containers.test_container import abandon
from tests.support.containers import Attempt, make_attempt
from tests.support.docker import NEEDS_DOCKER

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(120)]


def of_a_job(engine: Engine, script: str, **kept: Any) -> Attempt:
    """Make an attempt of a shell script that runs for a job."""
    attempt = make_attempt(engine, "sh", "-c", script)
    attempt.desk.job_id = new_id()
    attempt.states.kept = kept
    return attempt


async def test_the_program_finds_the_state_and_what_it_leaves_is_taken(engine: Engine) -> None:
    attempt = of_a_job(engine, 'cat "$STATE_FILE"; echo; echo \'{"cursor": "é8"}\' > "$STATE_FILE"', cursor="é7")
    outcome = await attempt.run()

    assert (State.SUCCEEDED, ['{"cursor": "é7"}']) == (outcome.state, attempt.said)
    assert [(attempt.desk.job_id, attempt.id, {"cursor": "é8"})] == attempt.states.left


async def test_the_first_run_finds_an_empty_one(engine: Engine) -> None:
    attempt = of_a_job(engine, 'cat "$STATE_FILE"; echo')
    await attempt.run()

    assert (["{}"], []) == (attempt.said, attempt.states.left)


async def test_what_a_failed_run_leaves_is_forgotten(engine: Engine) -> None:
    attempt = of_a_job(engine, 'echo \'{"cursor": 8}\' > "$STATE_FILE"; exit 3', cursor=7)
    outcome = await attempt.run()

    assert (State.FAILED, []) == (outcome.state, attempt.states.left)


@pytest.mark.parametrize(
    "script",
    [
        'echo [1] > "$STATE_FILE"',
        'echo \'{"a": NaN}\' > "$STATE_FILE"',
        'head -c 200000 /dev/zero | tr "\\0" "[" > "$STATE_FILE"',
        'head -c 400000 /dev/zero > "$STATE_FILE"',
        'rm "$STATE_FILE"; ln -s /etc/passwd "$STATE_FILE"',
        'rm "$STATE_FILE"',
    ],
    ids=["array", "no number", "deep", "large", "link", "gone"],
)
async def test_what_is_no_state_is_not_taken_and_the_log_says_so(engine: Engine, script: str) -> None:
    attempt = of_a_job(engine, script, cursor=7)
    outcome = await attempt.run()

    assert (State.SUCCEEDED, []) == (outcome.state, attempt.states.left)
    assert ["/stationmaster/state/state.json is not kept: It is no JSON object, too large, or gone."] == attempt.said


async def test_a_state_that_is_refused_is_told_in_the_log(engine: Engine) -> None:
    attempt = of_a_job(engine, 'echo \'{"cursor": 8}\' > "$STATE_FILE"')
    attempt.states.refusal = "The job is gone."
    outcome = await attempt.run()

    assert State.SUCCEEDED is outcome.state
    assert ["/stationmaster/state/state.json is not kept: The job is gone."] == attempt.said


async def test_a_replica_that_takes_over_takes_the_state(engine: Engine) -> None:
    first = of_a_job(engine, 'echo up; sleep 1; echo \'{"cursor": 8}\' > "$STATE_FILE"')
    await abandon(first, after_lines=1)
    second = of_a_job(engine, "")
    second.id, second.target, second.desk = first.id, first.target, first.desk
    outcome = await second.run()

    assert (State.SUCCEEDED, [{"cursor": 8}]) == (outcome.state, [left for _, _, left in second.states.left])


async def test_a_file_that_was_not_touched_does_not_undo_what_the_job_kept_meanwhile(engine: Engine) -> None:
    first = of_a_job(engine, "echo up; sleep 1", cursor=7)
    await abandon(first, after_lines=1)
    second = of_a_job(engine, "", cursor=9)
    second.id, second.target, second.desk = first.id, first.target, first.desk
    outcome = await second.run()

    assert (State.SUCCEEDED, []) == (outcome.state, second.states.left)


async def test_what_runs_for_no_job_finds_none(engine: Engine) -> None:
    attempt = make_attempt(engine, "sh", "-c", 'test ! -e "$STATE_FILE" && echo \'{"a": 1}\' > "$STATE_FILE"')
    outcome = await attempt.run()

    assert (State.SUCCEEDED, []) == (outcome.state, attempt.states.left)
