"""What is made of Earth Engine's answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from stationmaster.config import Settings
from stationmaster.domains.executions.external.earthengine import NO_CREDENTIALS, NO_PROJECT, EarthEngine
from stationmaster.domains.executions.external.models import TaskState
from stationmaster.executors import open_earthengine
from tests.support.earthengine import PROJECT, TASK, EarthEngineServer, Handler, key_file, lost_answer, status

CANCEL = f"POST /v1/projects/{PROJECT}/operations/{TASK}:cancel"
LOOK = f"GET /v1/projects/{PROJECT}/operations/{TASK}"
EXCHANGE = "POST /token"


@asynccontextmanager
async def client_of(server: EarthEngineServer, **changes: Any) -> AsyncIterator[EarthEngine]:
    async with open_earthengine(Settings(_env_file=None, earthengine=server.settings(**changes))) as opened:
        yield opened


@pytest.fixture
async def earthengine(server: EarthEngineServer) -> AsyncIterator[EarthEngine]:
    async with client_of(server) as opened:
        yield opened


async def test_a_task_is_cancelled_and_looked_at(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    server.begin()
    verdict = await earthengine.cancel(TASK)

    assert (TaskState.CANCELLED, None) == (verdict.state, verdict.reason)
    assert [EXCHANGE, CANCEL, LOOK] == server.calls
    assert "CANCELLED" == server.state_of()


async def test_the_name_of_an_operation_does_as_well(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    assert TaskState.CANCELLED is (await earthengine.cancel(server.begin())).state


async def test_a_token_serves_many_calls(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    server.begin()
    await earthengine.cancel(TASK)
    await earthengine.cancel(TASK)

    assert 1 == server.calls.count(EXCHANGE)


async def test_what_has_not_ended_yet_is_looked_at_again(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    server.begin()
    server.slow = 1
    states = [(await earthengine.cancel(TASK)).state for _ in range(2)]

    assert [TaskState.CANCELLING, TaskState.CANCELLED] == states


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED"])
async def test_what_had_ended_is_not_said_to_be_cancelled(
    server: EarthEngineServer, earthengine: EarthEngine, state: str
) -> None:
    server.begin(state=state)
    verdict = await earthengine.cancel(TASK)

    assert TaskState.ENDED is verdict.state
    assert state in (verdict.reason or "")


async def test_what_is_not_known_there_is_gone(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    verdict = await earthengine.cancel(TASK)

    assert (TaskState.GONE, [EXCHANGE, CANCEL]) == (verdict.state, server.calls)


@pytest.mark.parametrize(
    ("faults", "state", "said"),
    [
        ([status(403, "Permission denied on project.")], TaskState.NOT_CANCELLED, "Permission denied on project."),
        ([status(401, "Bad.")] * 2, TaskState.NOT_CANCELLED, "(401): Bad."),
        ([status(400, "Malformed.")], TaskState.NOT_CANCELLED, "Malformed."),
        ([status(418, "Teapot.")], TaskState.NOT_CANCELLED, "418: Teapot."),
        ([status(429, "Slow down.")], TaskState.CANCELLING, "429: Slow down."),
        ([status(503)], TaskState.CANCELLING, "503"),
    ],
)
async def test_a_refusal_ends_it_and_a_passing_fault_does_not(
    server: EarthEngineServer, earthengine: EarthEngine, faults: list[Handler], state: TaskState, said: str
) -> None:
    server.begin()
    server.faults = [*faults]
    verdict = await earthengine.cancel(TASK)

    assert state is verdict.state
    assert said in (verdict.reason or "")


async def test_a_wait_that_is_asked_for_is_told(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    server.begin()
    server.faults = [status(429, retry_after="77")]

    assert 77 == (await earthengine.cancel(TASK)).retry_after_seconds


async def test_after_a_lost_answer_it_is_asked_again(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    server.begin()
    server.faults = [lost_answer(server)]
    states = [(await earthengine.cancel(TASK)).state for _ in range(2)]

    assert [TaskState.CANCELLING, TaskState.CANCELLED] == states


async def test_a_token_that_was_withdrawn_is_exchanged_anew(
    server: EarthEngineServer, earthengine: EarthEngine
) -> None:
    server.begin()
    await earthengine.cancel(TASK)
    server.tokens.clear()
    server.begin("other")

    assert TaskState.CANCELLED is (await earthengine.cancel("other")).state


async def test_a_cancel_that_may_not_be_looked_at_says_so(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    server.begin()
    server.faults = [server.serve, status(403, "Permission denied.")]
    verdict = await earthengine.cancel(TASK)

    assert TaskState.CANCELLED is verdict.state
    assert "may not be read: Permission denied." in (verdict.reason or "")


async def test_credentials_that_google_refuses_end_it(server: EarthEngineServer) -> None:
    server.begin()
    other = key_file(f"{server.url}/token", client_email="somebody@else.test")
    async with client_of(server, credentials=other) as earthengine:
        verdict = await earthengine.cancel(TASK)

    assert TaskState.NOT_CANCELLED is verdict.state
    assert "refuses the credentials (400): Invalid JWT Signature." in (verdict.reason or "")
    assert "RUNNING" == server.state_of()


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_token_address_in_trouble_is_asked_again(
    server: EarthEngineServer, earthengine: EarthEngine, code: int
) -> None:
    server.begin()
    server.token_faults = [status(code)]
    states = [(await earthengine.cancel(TASK)).state for _ in range(2)]

    assert [TaskState.CANCELLING, TaskState.CANCELLED] == states


async def test_nobody_there_is_tried_again(server: EarthEngineServer) -> None:
    async with client_of(server, api_url="http://127.0.0.1:1/v1") as earthengine:
        verdict = await earthengine.cancel(TASK)

    assert TaskState.CANCELLING is verdict.state


async def test_without_credentials_nothing_is_sent_and_it_is_said(server: EarthEngineServer) -> None:
    async with client_of(server, credentials=None) as earthengine:
        verdict = await earthengine.cancel(TASK)

    assert (TaskState.NOT_CANCELLED, NO_CREDENTIALS) == (verdict.state, verdict.reason)
    assert [] == server.calls


async def test_without_a_project_nothing_is_sent_and_it_is_said(server: EarthEngineServer) -> None:
    nameless = key_file(f"{server.url}/token", project_id=None)
    async with client_of(server, credentials=nameless) as earthengine:
        assert NO_PROJECT == (await earthengine.cancel(TASK)).reason


async def test_the_project_of_the_settings_counts(server: EarthEngineServer) -> None:
    name = server.begin(project="other-project")
    async with client_of(server, project="other-project") as earthengine:
        assert TaskState.CANCELLED is (await earthengine.cancel(TASK)).state
    assert "CANCELLED" == server.operations[name]["metadata"]["state"]


async def test_a_script_cannot_have_work_of_another_project_cancelled(
    server: EarthEngineServer, earthengine: EarthEngine
) -> None:
    verdict = await earthengine.cancel(server.begin(project="other-project"))

    assert TaskState.NOT_CANCELLED is verdict.state
    assert [] == server.calls


async def test_the_credentials_are_in_no_text(server: EarthEngineServer, earthengine: EarthEngine) -> None:
    assert "PRIVATE KEY" not in f"{earthengine!r} {earthengine.tokens!r} {server.settings()!r}"
    assert isinstance(server.settings().credentials, SecretStr)
