"""Following a run: its end, its logs, trouble on the way, taking over, stopping."""

import asyncio
from typing import Any

import pytest

from stationmaster.domains.executions.executor import Facts
from stationmaster.domains.executions.kinds.github.executor import GithubExecutor
from stationmaster.domains.executions.states import Reason, State
from tests.domains.executions.kinds.calling import ID
from tests.domains.executions.kinds.github.calling import CORRELATED, PLAIN, Desk, context, run_and_finish, said, target
from tests.support.github import (
    TOKEN,
    GithubServer,
    status,
)


async def test_a_run_is_dispatched_and_followed_to_its_end(executor: GithubExecutor, github: GithubServer) -> None:
    desk = Desk()
    asked = context(desk)
    task = asyncio.create_task(executor.run(target(inputs={"region": "north"}, ref="release"), asked))
    run_id = await github.has_run()
    github.add_job(run_id, "build", "success", "\ufeff2026-11-25T10:00:00.1234567Z all well\n")
    github.finish(run_id)
    outcome = await task

    assert (State.SUCCEEDED, 200) == (outcome.state, outcome.response_status)
    assert outcome.result == {
        "run_id": run_id,
        "html_url": f"https://github.com/acme/reports/actions/runs/{run_id}",
        "conclusion": "success",
        "jobs": [{"name": "build", "conclusion": "success", "failed_steps": []}],
    }
    correlation = f"{ID}-1"
    assert github.bodies == [
        {
            "ref": "release",
            "inputs": {"region": "north", "stationmaster_id": correlation},
            "return_run_details": True,
        }
    ]
    assert [{"correlation": correlation}, {"correlation": correlation, "run_id": run_id}] == desk.handles
    assert desk.has_stepped_aside
    assert "all well" in said(asked)
    assert "2026-11-25T10" not in said(asked)


@pytest.mark.parametrize(
    ("conclusion", "state", "reason"),
    [
        ("failure", State.FAILED, Reason.EXIT_CODE),
        ("startup_failure", State.FAILED, Reason.EXIT_CODE),
        ("action_required", State.FAILED, Reason.EXIT_CODE),
        ("something new", State.FAILED, Reason.EXIT_CODE),
        ("cancelled", State.CANCELLED, Reason.REQUESTED),
        ("timed_out", State.TIMED_OUT, Reason.TIMEOUT),
        ("neutral", State.SUCCEEDED, None),
        ("skipped", State.SUCCEEDED, None),
    ],
)
async def test_conclusions_are_told_apart(
    executor: GithubExecutor, github: GithubServer, conclusion: str, state: State, reason: Reason | None
) -> None:
    outcome = await run_and_finish(executor, github, context(), conclusion)

    assert (state, reason) == (outcome.state, outcome.reason)


async def test_a_failure_names_its_jobs_and_steps_and_shows_the_end_of_their_logs(
    github: GithubServer, executor: GithubExecutor
) -> None:
    asked = context()
    task = asyncio.create_task(executor.run(target(), asked))
    run_id = await github.has_run()
    github.add_job(run_id, "lint", "success", "fine\n")
    github.add_job(run_id, "test", "failure", "".join(f"line {n}\n" for n in range(500)), failed_step="pytest")
    github.finish(run_id, "failure")
    outcome = await task

    assert "The run ended as failure (test: pytest)." == outcome.error
    assert ("line 499" in said(asked), "line 399\n" in said(asked)) == (True, False)
    assert {f"Bearer {TOKEN}", None} == github.tokens_seen, "the token does not go along to the log's storage"


async def test_trouble_while_following_is_no_end(executor: GithubExecutor, github: GithubServer) -> None:
    github.read_faults = [status(500), status(404), status(502), status(200)]
    outcome = await run_and_finish(executor, github, context())

    assert State.SUCCEEDED is outcome.state


async def test_a_run_that_was_deleted_is_lost(executor: GithubExecutor, github: GithubServer) -> None:
    task = asyncio.create_task(executor.run(target(), context()))
    await github.has_run()
    github.runs.clear()
    outcome = await task

    assert (State.LOST, True) == (outcome.state, "gone" in str(outcome.error))


async def test_many_runs_of_a_repository_are_looked_at_together(executor: GithubExecutor, github: GithubServer) -> None:
    tasks = [asyncio.create_task(executor.run(target(), context(attempt=number))) for number in range(1, 31)]
    while len(github.runs) < 30:
        await asyncio.sleep(0.01)
    looks = len([call for call in github.calls if call.endswith("/actions/runs")])
    await asyncio.sleep(0.5)
    looks = len([call for call in github.calls if call.endswith("/actions/runs")]) - looks
    for run_id in github.runs:
        github.finish(run_id)
    outcomes = await asyncio.gather(*tasks)

    assert 30 == len([outcome for outcome in outcomes if outcome.state is State.SUCCEEDED])
    assert looks <= 26, "one look an interval of 0.02 seconds, not thirty"
    assert github.unchanged >= looks - 2, "unchanged answers cost nothing"


async def test_a_run_beyond_the_newest_is_looked_at_alone(executor: GithubExecutor, github: GithubServer) -> None:
    task = asyncio.create_task(executor.run(target(), context()))
    run_id = await github.has_run()
    for _ in range(60):
        github.make_run(PLAIN, {})
    github.finish(run_id)

    assert State.SUCCEEDED is (await task).state


@pytest.mark.parametrize("knows_id", [True, False])
async def test_a_replica_that_takes_over_follows_the_run_that_is_there(
    executor: GithubExecutor, github: GithubServer, knows_id: bool
) -> None:
    correlation = f"{ID}-1"
    run_id = github.make_run(CORRELATED, {"stationmaster_id": correlation})
    github.finish(run_id)
    desk = Desk(Facts(handle={"correlation": correlation} | ({"run_id": run_id} if knows_id else {})))
    outcome = await executor.run(target(), context(desk))

    assert (State.SUCCEEDED, 0, 1) == (outcome.state, len(github.bodies), len(github.runs))


async def test_a_replica_that_takes_over_and_finds_no_run_dispatches_none(
    executor: GithubExecutor, github: GithubServer
) -> None:
    outcome = await executor.run(target(), context(Desk(Facts(handle={"correlation": f"{ID}-1"}))))

    assert (State.LOST, 0) == (outcome.state, len(github.bodies))


async def test_another_attempt_of_the_same_execution_is_another_run(
    executor: GithubExecutor, github: GithubServer
) -> None:
    github.make_run(CORRELATED, {"stationmaster_id": f"{ID}-10"})
    outcome = await executor.run(target(), context(Desk(Facts(handle={"correlation": f"{ID}-1"}))))

    assert State.LOST is outcome.state


async def test_stopping_cancels_the_run(executor: GithubExecutor, github: GithubServer) -> None:
    desk = Desk()
    task = asyncio.create_task(executor.run(target(), context(desk)))
    run_id = await github.has_run()
    while len(desk.handles) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [] == github.cancelled, "a replica that leaves does not take the run along"
    await executor.stop(target(), context(desk))

    assert [run_id] == github.cancelled


async def test_stopping_finds_a_run_whose_answer_has_not_come(executor: GithubExecutor, github: GithubServer) -> None:
    run_id = github.make_run(CORRELATED, {"stationmaster_id": f"{ID}-1"})
    await executor.stop(target(), context(Desk(Facts(handle={"correlation": f"{ID}-1"}))))
    await executor.stop(target(), context())

    assert [run_id] == github.cancelled


async def test_a_run_over_its_time_is_cancelled(executor: GithubExecutor, github: GithubServer) -> None:
    outcome = await executor.run(target(), context(timeout_seconds=0.5))

    assert (State.TIMED_OUT, [max(github.runs)]) == (outcome.state, github.cancelled)


@pytest.mark.parametrize(
    "answer", ["[]", "{}", '{"workflow_runs": [{"id": "x"}, 7, {"id": -1}]}', "<html>", "9" * 9000]
)
async def test_answers_that_are_no_answers_are_survived(
    executor: GithubExecutor, github: GithubServer, answer: str
) -> None:
    async def nonsense(_request: Any) -> Any:
        from aiohttp import web  # noqa: PLC0415

        return web.Response(text=answer, content_type="application/json")

    github.read_faults = [nonsense, nonsense]
    outcome = await run_and_finish(executor, github, context())

    assert State.SUCCEEDED is outcome.state
