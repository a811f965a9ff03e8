"""Dispatching: the ways to ask, answers that are lost, refusals, limits, tokens."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from stationmaster.domains.executions.executor import Executor
from stationmaster.domains.executions.kinds.github.executor import GithubExecutor
from stationmaster.domains.executions.states import Reason, State
from tests.domains.executions.kinds.github.calling import (
    CORRELATED,
    PLAIN,
    Desk,
    context,
    opened,
    run_and_finish,
    target,
)
from tests.support.github import (
    TOKEN,
    GithubServer,
    Workflow,
    error_after_effect,
    lost_answer,
    status,
)


def test_it_is_an_executor(executor: GithubExecutor, github: GithubServer) -> None:
    checked: Executor = executor

    assert ("github", f"127.0.0.1:{github.port}") == (checked.kind, checked.host_of(target()))


async def test_without_following_the_accepted_dispatch_is_the_success(
    executor: GithubExecutor, github: GithubServer
) -> None:
    outcome = await executor.run(target(follow=False), context())

    assert (State.SUCCEEDED, {"run_id": max(github.runs)}) == (outcome.state, outcome.result)
    assert len(github.calls) == 1


@pytest.mark.parametrize(
    ("file", "expected"), [("nightly.yml", ["nightly.yml"]), ("nightly.yaml", ["nightly.yml", "nightly.yaml"])]
)
async def test_the_ending_of_a_workflow_may_be_left_out(
    executor: GithubExecutor, github: GithubServer, file: str, expected: list[str]
) -> None:
    github.workflows.clear()
    github.add(Workflow(file, CORRELATED.inputs))
    for _ in range(2):
        await executor.run(target(workflow="nightly", follow=False), context())

    assert [*expected, expected[-1]] == [call.split("/")[-2] for call in github.calls], "it is remembered"


async def test_inputs_are_sent_as_text(executor: GithubExecutor, github: GithubServer) -> None:
    github.add(Workflow("nightly.yml", frozenset({"a", "b", "c"})))
    await executor.run(target(follow=False, inputs={"a": True, "b": 1.5, "c": "x"}), context())

    assert {"a": "true", "b": "1.5", "c": "x"} == github.bodies[-1]["inputs"]


@pytest.mark.parametrize("knows_details", [True, False])
async def test_a_workflow_without_the_input_and_a_server_without_details_are_dispatched_all_the_same(
    executor: GithubExecutor, github: GithubServer, knows_details: bool
) -> None:
    github.add(PLAIN)
    github.knows_details = github.tells_run_ids = knows_details
    outcomes = [await executor.run(target(follow=False), context()) for _ in range(2)]

    assert [State.SUCCEEDED] * 2 == [outcome.state for outcome in outcomes]
    assert 2 == len(github.runs)
    assert len(github.bodies) == (3 if knows_details else 5), "the way is remembered"


@pytest.mark.parametrize("tells_run_ids", [True, False])
async def test_older_servers_are_followed_by_the_correlation_input(
    executor: GithubExecutor, github: GithubServer, tells_run_ids: bool
) -> None:
    github.knows_details, github.tells_run_ids = False, tells_run_ids
    outcome = await run_and_finish(executor, github, context())

    assert (State.SUCCEEDED, 1) == (outcome.state, len(github.runs))


async def test_a_run_that_nobody_can_name_is_lost_and_not_made_again(
    executor: GithubExecutor, github: GithubServer
) -> None:
    github.add(PLAIN)
    github.knows_details = False
    outcome = await executor.run(target(), context())

    assert (State.LOST, 1) == (outcome.state, len(github.runs))
    assert "correlation input" in str(outcome.error)


@pytest.mark.parametrize("fault", [lost_answer, error_after_effect])
async def test_a_lost_answer_does_not_dispatch_twice(
    executor: GithubExecutor, github: GithubServer, fault: Any
) -> None:
    github.faults = [fault(github)]
    outcome = await run_and_finish(executor, github, context())

    assert (State.SUCCEEDED, 1, 1) == (outcome.state, len(github.runs), len(github.bodies))


async def test_an_answer_that_is_lost_before_the_effect_is_lost(executor: GithubExecutor, github: GithubServer) -> None:
    github.faults = [status(503)]
    outcome = await executor.run(target(), context())

    assert (State.LOST, 1) == (outcome.state, len(github.bodies)), "nobody can know, so nothing is done again"


async def test_a_server_that_is_not_there_had_no_effect(github: GithubServer) -> None:
    async with opened(github, api_url="http://127.0.0.1:1") as executor:
        outcome = await executor.run(target(), context())

    assert (State.FAILED, Reason.NETWORK_ERROR) == (outcome.state, outcome.reason)


@pytest.mark.parametrize("code", [401, 403, 404, 422])
async def test_refusals_are_final_and_say_why(executor: GithubExecutor, github: GithubServer, code: int) -> None:
    github.faults = [status(code, message="Because.") for _ in range(4)]
    outcome = await executor.run(target(), context())

    assert (State.FAILED, Reason.CLIENT_ERROR, code, True) == (
        outcome.state, outcome.reason, outcome.response_status, outcome.is_final,
    )  # fmt: skip
    assert outcome.error == f"GitHub refused to dispatch acme/reports/nightly.yml: {code}, Because.."


@pytest.mark.parametrize(
    "refusal",
    [
        status(429, retry_after="1"),
        status(403, retry_after="1"),
        status(403, x_ratelimit_remaining="0", x_ratelimit_reset="1"),
    ],
)
async def test_a_limit_is_waited_out_where_there_is_time(
    executor: GithubExecutor, github: GithubServer, refusal: Any
) -> None:
    github.faults = [refusal]
    desk = Desk()
    began = asyncio.get_running_loop().time()
    outcome = await executor.run(target(follow=False), context(desk))

    assert (State.SUCCEEDED, 2, 1) == (outcome.state, len(github.bodies), len(github.runs))
    assert asyncio.get_running_loop().time() - began >= 0.9
    assert {} in desk.handles, "while it waits there is nothing to take over"


async def test_a_limit_that_lasts_too_long_is_told(executor: GithubExecutor, github: GithubServer) -> None:
    github.faults = [status(429, retry_after="900")]
    first = await executor.run(target(), context())
    second = await executor.run(target(), context())

    for outcome in (first, second):
        assert (State.FAILED, Reason.RATE_LIMIT) == (outcome.state, outcome.reason)
        assert 890 < float(outcome.retry_after_seconds or 0) <= 900
    assert 1 == len(github.calls), "the token is not used before its time"


def test_a_trial_does_not_wait_for_the_run() -> None:
    assert (True, False) == (target().follow, target().for_trial().follow)


async def test_a_credential_that_may_not_be_used_ends_it(executor: GithubExecutor, github: GithubServer) -> None:
    outcome = await executor.run(target(credential="OTHER"), context())

    assert (State.FAILED, Reason.CLIENT_ERROR, True, []) == (
        outcome.state, outcome.reason, outcome.is_final, github.calls,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("repositories", "has_token", "credential", "is_allowed"),
    [
        ("", False, "GITHUB_TOKEN", True),
        ("", True, None, False),
        ("acme/*", True, None, True),
        ("ACME/Reports", True, None, True),
        ("acme/*", False, None, False),
        ("other/*,acme/site", True, "GITHUB_TOKEN", False),
    ],
)
async def test_only_listed_repositories_are_dispatched_and_the_own_token_goes_to_no_other(
    github: GithubServer, repositories: str, has_token: bool, credential: str | None, is_allowed: bool
) -> None:
    token = SecretStr(TOKEN) if has_token else None
    async with opened(github, repositories=repositories, token=token) as executor:
        outcome = await executor.run(target(credential=credential, follow=False), context())
        if is_allowed:
            executor.check(target(credential=credential))
        else:
            with pytest.raises(ValueError, match=r"credential|not dispatched"):
                executor.check(target(credential=credential))

    assert (is_allowed, is_allowed) == (outcome.state is State.SUCCEEDED, bool(github.calls))
    assert is_allowed or outcome.reason is Reason.BLOCKED
