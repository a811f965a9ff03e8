"""Executing a job now, with and without differences, and trying a target once."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from dirty_equals import IsPartialDict, IsPositiveFloat

from stationmaster.db.session import read_only
from stationmaster.domains.executions import specs
from stationmaster.domains.executions.models import Execution, Spec
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.domains.jobs import trial
from stationmaster.domains.jobs.models import Job
from tests.support.databases import ONLY_SQLITE
from tests.support.executions import ScriptedExecutor
from tests.support.receiver import Receiver, open_receiver
from tests.support.work import ALLOW, TARGET, Desk, count_rows, faults, make_rules, read_executions

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cywgbG9uZyBlbm91Z2g="
WITH_SECRETS = TARGET | {"secret_headers": {"Authorization": "Bearer hidden"}, "signing_secret": SECRET}


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


async def open_spec(desk: Desk, execution: dict[str, Any]) -> WebhookTarget:
    """Return what an execution will do, with its secrets in the clear."""
    async with read_only(desk.database) as session:
        row = await session.get_one(Execution, UUID(execution["id"]))
        spec = await session.get_one(Spec, row.spec_id)
    target = specs.open_target(desk.app.state.job_rules.sealer, spec)
    assert isinstance(target, WebhookTarget)
    return target


async def test_a_job_is_executed_now(desk: Desk) -> None:
    job = await desk.create(retry={"max_attempts": 3})

    answer = await desk.call("POST", f"/{job['id']}/execute")

    execution = answer.json()
    assert (202, f"/api/v1/executions/{execution['id']}") == (answer.status_code, answer.headers["location"])
    assert execution == IsPartialDict(
        state="queued",
        trigger="manual",
        job={"id": job["id"], "name": job["name"]},
        scheduled_for=None,
        max_attempts=3,
        params=None,
    )
    assert execution["id"] == (await desk.read(job))["last_execution"]["id"]


@pytest.mark.parametrize("state", ["inactive", "paused"])
async def test_a_job_that_rests_is_executed_too(desk: Desk, state: str) -> None:
    job = await desk.create(is_active=state != "inactive")
    if state == "paused":
        await desk.call("POST", f"/{job['id']}/pause")

    answer = await desk.call("POST", f"/{job['id']}/execute", {})

    assert (202, "queued") == (answer.status_code, answer.json()["state"])


async def test_the_overlap_policy_holds_for_requests_too(desk: Desk) -> None:
    job = await desk.create()

    answers = [await desk.call("POST", f"/{job['id']}/execute") for _ in range(2)]

    assert [("queued", None), ("skipped", "overlap")] == [
        (answer.json()["state"], answer.json()["reason"]) for answer in answers
    ]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({}, {"body": {"report": "daily"}}),
        ({"params": {"day": 1}}, {"body": {"report": "daily", "day": 1}}),
        ({"params": {"report": "weekly"}}, {"body": {"report": "weekly"}}),
        ({"body": {"other": 1}}, {"body": {"other": 1}}),
        ({"body": {"other": 1}, "params": {"day": 1}}, {"body": {"other": 1, "day": 1}}),
        ({"method": "PUT", "timeout_seconds": 3}, {"method": "PUT", "timeout_seconds": 3.0}),
        ({"url": "https://other.example/"}, {"url": "https://other.example/"}),
        ({"metadata": {"a": 1}}, {"body": {"report": "daily"}}),
        ({"type": "webhook"}, {}),
    ],
)
async def test_an_execution_may_differ_from_its_job_and_leaves_it_as_it_is(
    desk: Desk, override: dict[str, Any], expected: dict[str, Any]
) -> None:
    job = await desk.create(target=TARGET | {"body": {"report": "daily"}}, metadata={"team": "maps"})

    answer = await desk.call("POST", f"/{job['id']}/execute", override)

    target = (await open_spec(desk, answer.json())).model_dump()
    assert (202, override.get("params")) == (answer.status_code, answer.json()["params"])
    assert expected == {name: target[name] for name in expected}
    assert job == (await desk.read(job)) | {"last_execution": None}


@pytest.mark.parametrize(
    ("override", "body"),
    [({}, {"team": "maps"}), ({"metadata": {"a": 1}}, {"a": 1}), ({"params": {"b": 2}}, {"team": "maps", "b": 2})],
)
async def test_metadata_is_the_body_of_a_webhook_without_one(
    desk: Desk, override: dict[str, Any], body: dict[str, Any]
) -> None:
    job = await desk.create(metadata={"team": "maps"})

    answer = await desk.call("POST", f"/{job['id']}/execute", override)

    assert body == (await open_spec(desk, answer.json())).body


@pytest.mark.parametrize(
    ("override", "kept"),
    [
        ({"params": {"a": 1}}, True),
        ({"method": "PUT"}, True),
        ({"secret_headers": {"Authorization": "********"}, "signing_secret": "********"}, True),
        ({"url": "https://other.example/"}, False),
        ({"url": TARGET["url"] + "/elsewhere"}, False),
        ({"url": TARGET["url"]}, True),
    ],
)
async def test_secrets_do_not_travel_to_another_address(desk: Desk, override: dict[str, Any], kept: bool) -> None:
    job = await desk.create(target=WITH_SECRETS)

    target = await open_spec(desk, (await desk.call("POST", f"/{job['id']}/execute", override)).json())

    secrets = [secret.get_secret_value() for secret in target.secret_headers.values()]
    assert (["Bearer hidden"] if kept else []) == secrets
    assert (SECRET if kept else None) == (target.signing_secret and target.signing_secret.get_secret_value())


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"colour": "red"}, ["/colour"]),
    ({"headers": {"Host": "x"}}, [""]),
    ({"method": "TRACE"}, ["/method"]),
    ({"url": "ftp://x/"}, ["/url"]),
    ({"type": "docker"}, ["/type"]),
    ({"params": [1]}, ["/params"]),
    ({"params": {"a": "\0"}}, ["/params"]),
    ({"metadata": "x"}, ["/metadata"]),
    ({"body": "text", "params": {"a": 1}}, ["/params"]),
    (
        {"url": "https://other.example/", "secret_headers": {"Authorization": "********"}},
        ["/secret_headers/Authorization"],
    ),
    ({"url": "https://other.example/", "signing_secret": "********"}, ["/signing_secret"]),
    ({"is_active": False}, ["/is_active"]),
    ({"owner_id": "x", "state": "succeeded"}, ["/owner_id", "/state"]),
]


@ONLY_SQLITE
async def test_a_wrong_difference_is_refused_by_name_and_queues_nothing(desk: Desk) -> None:
    job = await desk.create(target=WITH_SECRETS)

    rows = await count_rows(desk.database, Execution, Spec)

    found = [(body, faults(await desk.call("POST", f"/{job['id']}/execute", body))) for body, _ in WRONG]

    assert WRONG == found
    assert rows == await count_rows(desk.database, Execution, Spec)


@ONLY_SQLITE
async def test_an_address_that_may_not_be_called_is_refused_here_too(desk: Desk) -> None:
    job = await desk.create()

    answer = await desk.call("POST", f"/{job['id']}/execute", {"url": "http://169.254.169.254/latest/meta-data"})

    assert ["/url"] == faults(answer)
    assert [] == await read_executions(desk.database, UUID(job["id"]))


async def test_a_target_is_tried_once_and_nothing_is_stored(desk: Desk, receiver: Receiver) -> None:
    target = {"type": "webhook", "url": receiver.url("/echo"), "body": {"a": 1}}
    rows = await count_rows(desk.database, Job, Spec, Execution)

    answer = await desk.call("POST", "/test-run", {"target": target, "params": {"b": 2}})

    assert (200, 1) == (answer.status_code, len(receiver.ledger))
    assert {"a": 1, "b": 2} == json.loads(receiver.ledger[0].body)
    assert answer.json() == IsPartialDict(
        ok=True, type="webhook", state="succeeded", reason=None, response_status=200, duration_seconds=IsPositiveFloat
    )
    assert rows == await count_rows(desk.database, Job, Spec, Execution)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/status/503", {"state": "failed", "reason": "server_error", "response_status": 503}),
        ("/status/404", {"state": "failed", "reason": "client_error", "response_status": 404}),
        ("/hang", {"state": "timed_out", "reason": "timeout", "response_status": None}),
    ],
)
@ONLY_SQLITE
async def test_a_try_that_fails_says_why(desk: Desk, receiver: Receiver, path: str, told: dict[str, Any]) -> None:
    body = {"target": {"type": "webhook", "url": receiver.url(path)}, "timeout_seconds": 0.3}

    answer = await desk.call("POST", "/test-run", body)

    assert 200 == answer.status_code
    assert answer.json() == IsPartialDict({"ok": False} | told)


@ONLY_SQLITE
async def test_a_try_ends_in_time_whatever_its_executor_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "GRACE_SECONDS", 0)
    rules = make_rules(ScriptedExecutor(gate=asyncio.Event()))

    with desk.ruled_by(rules):
        answer = await desk.call("POST", "/test-run", {"target": TARGET, "timeout_seconds": 0.05})

    assert answer.json() == IsPartialDict(ok=False, state="timed_out", error="No end after 0.05 s.")


@ONLY_SQLITE
async def test_a_try_shows_no_secret_that_its_target_sends_back(desk: Desk, receiver: Receiver) -> None:
    target = WITH_SECRETS | {"url": receiver.url("/echo")}

    answer = await desk.call("POST", "/test-run", {"target": target})

    assert "Bearer hidden" in receiver.ledger[0].headers["authorization"]
    assert "hidden" not in answer.text
    assert SECRET.removeprefix("whsec_") not in answer.text


@ONLY_SQLITE
async def test_who_may_not_create_may_not_try(desk: Desk) -> None:
    body = {"target": TARGET}

    answers = [
        await desk.client.post("/api/v1/jobs/test-run", json=body),
        await desk.call("POST", "/test-run", body, by=desk.viewer),
    ]

    assert [401, 403] == [answer.status_code for answer in answers]


@ONLY_SQLITE
async def test_a_wrong_try_is_refused_by_name(desk: Desk) -> None:
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["/target"]),
        ({"target": TARGET | {"url": "http://169.254.169.254/"}}, ["/target/url"]),
        ({"target": TARGET | {"url": "file:///etc/passwd"}}, ["/target/url"]),
        ({"target": TARGET | {"secret_headers": {"X-A": "********"}}}, ["/target/secret_headers/X-A"]),
        ({"target": TARGET | {"body": "text"}, "params": {"a": 1}}, ["/params"]),
        ({"target": TARGET, "timeout_seconds": 61}, ["/timeout_seconds"]),
        ({"target": TARGET, "colour": "red"}, ["/colour"]),
    ]

    assert wrong == [(body, faults(await desk.call("POST", "/test-run", body))) for body, _ in wrong]


async def test_executions_are_listed_and_counted_by_job(desk: Desk) -> None:
    job, other = await desk.create(overlap=ALLOW), await desk.create()
    for one in (job, job, other):
        await desk.call("POST", f"/{one['id']}/execute")

    listed = await desk.call("GET", f"/{job['id']}/executions", by=desk.viewer)
    stats = await desk.call("GET", f"/{job['id']}/executions/stats", by=desk.viewer)

    assert [job["id"]] * 2 == [item["job_id"] for item in listed.json()["items"]]
    assert stats.json() == IsPartialDict(total=2, queued=2, by_state={"queued": 2})
