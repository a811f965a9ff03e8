"""The webhook executor with a real receiver, faults included."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import pytest
from standardwebhooks.webhooks import Webhook

from stationmaster.domains.executions.executor import Executor, Outcome
from stationmaster.domains.executions.kinds.webhook import WebhookExecutor
from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit import clock
from stationmaster.outbound.guard import Guard
from stationmaster.outbound.http import open_dispatch_client
from tests.domains.executions.kinds.calling import ID, OTHER_SIGNING_SECRET, SIGNING_SECRET, context, run, target_of
from tests.support.receiver import Receiver


def test_it_is_an_executor(executor: WebhookExecutor) -> None:
    checked: Executor = executor

    assert checked.kind == "webhook"


async def test_a_good_answer_succeeds_and_its_start_is_kept(executor: WebhookExecutor, receiver: Receiver) -> None:
    outcome = await run(executor, receiver.url("/ok"))

    assert outcome == Outcome(
        State.SUCCEEDED,
        response_status=200,
        result={"body": "ok", "truncated": False, "headers": {"content-type": "text/plain"}},
    )


async def test_every_attempt_carries_the_same_id_and_body(executor: WebhookExecutor, receiver: Receiver) -> None:
    target = target_of(receiver.url("/ok"), body={"b": [1, 2.5, None], "a": "grüße"})
    at = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    for attempt in (1, 2):
        await executor.run(target, context(attempt=attempt, scheduled_for=at))

    assert [request.attempt for request in receiver.ledger] == [1, 2]
    assert {request.body for request in receiver.ledger} == {'{"b":[1,2.5,null],"a":"grüße"}'.encode()}
    for request in receiver.ledger:
        assert request.headers["webhook-id"] == request.headers["idempotency-key"] == str(ID)
        assert request.headers["stationmaster-scheduled-for"] == "2026-11-21T08:30:00.000Z"
        assert abs(int(request.headers["webhook-timestamp"]) - clock.now().timestamp()) < 10


async def test_what_was_not_planned_names_no_plan(executor: WebhookExecutor, receiver: Receiver) -> None:
    await run(executor, receiver.url("/ok"))

    assert {"stationmaster-scheduled-for", "webhook-signature"}.isdisjoint(receiver.ledger[0].headers)


@pytest.mark.parametrize(
    ("fields", "sent", "content_type"),
    [
        ({"body": {"ä": 1}}, '{"ä":1}'.encode(), "application/json"),
        ({"body": []}, b"[]", "application/json"),
        ({"body": False}, b"false", "application/json"),
        ({"body": 0}, b"0", "application/json"),
        ({"body": "grüße"}, "grüße".encode(), "text/plain; charset=utf-8"),
        ({"body": ""}, b"", "text/plain; charset=utf-8"),
        ({"body": "<a/>", "headers": {"Content-Type": "application/xml"}}, b"<a/>", "application/xml"),
        ({"body": {}, "headers": {"CONTENT-TYPE": "application/vnd.x+json"}}, b"{}", "application/vnd.x+json"),
        ({"body": None}, b"", None),
    ],
)
async def test_bodies_are_sent_as_what_they_are(
    fields: dict[str, Any], sent: bytes, content_type: str | None, executor: WebhookExecutor, receiver: Receiver
) -> None:
    await run(executor, receiver.url("/ok"), **fields)

    [request] = receiver.ledger
    assert (request.body, request.headers.get("content-type")) == (sent, content_type)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_can_be_called(method: str, executor: WebhookExecutor, receiver: Receiver) -> None:
    outcome = await run(executor, receiver.url("/ok"), method=method)

    assert (outcome.state, receiver.ledger[0].method) == (State.SUCCEEDED, method)


async def test_headers_are_sent_open_and_secret_ones(executor: WebhookExecutor, receiver: Receiver) -> None:
    await run(
        executor, receiver.url("/ok"), headers={"X-Plain": "1"}, secret_headers={"Authorization": "Bearer hidden"}
    )

    headers = receiver.ledger[0].headers
    assert ("1", "Bearer hidden") == (headers["x-plain"], headers["authorization"])


@pytest.mark.parametrize("secret", [SIGNING_SECRET, f"{OTHER_SIGNING_SECRET} {SIGNING_SECRET}"])
@pytest.mark.parametrize("body", [{"grüße": "✓"}, "text", None])
async def test_a_receiver_can_verify_the_signature(
    secret: str, body: Any, executor: WebhookExecutor, receiver: Receiver
) -> None:
    await run(executor, receiver.url("/ok"), body=body, signing_secret=secret)

    [request] = receiver.ledger
    Webhook(SIGNING_SECRET).verify(request.body, request.headers, json_parse=False)


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (101, Reason.CLIENT_ERROR, "101, which does not count as success."),
        (300, Reason.CLIENT_ERROR, "300; redirects are not followed."),
        (307, Reason.CLIENT_ERROR, "307; redirects are not followed."),
        (400, Reason.CLIENT_ERROR, "400."),
        (404, Reason.CLIENT_ERROR, "404."),
        (408, Reason.TIMEOUT, "408: try again later."),
        (410, Reason.CLIENT_ERROR, "410: it is gone, and asks not to be called again."),
        (425, Reason.TIMEOUT, "425: try again later."),
        (429, Reason.RATE_LIMIT, "429: too many requests."),
        (500, Reason.SERVER_ERROR, "500."),
        (503, Reason.SERVER_ERROR, "503."),
        (599, Reason.SERVER_ERROR, "599."),
    ],
)
async def test_other_answers_fail_each_for_its_reason(
    status: int, reason: Reason, words: str, executor: WebhookExecutor, receiver: Receiver
) -> None:
    outcome = await run(executor, receiver.url(f"/status/{status}"))

    assert (outcome.state, outcome.reason, outcome.response_status) == (State.FAILED, reason, status)
    assert (outcome.error, outcome.is_final) == (f"The target answered {words}", status == 410)


@pytest.mark.parametrize(
    ("success_statuses", "status", "state"),
    [
        ([], 204, State.SUCCEEDED),
        ([200], 204, State.FAILED),
        ([404], 404, State.SUCCEEDED),
        ([302, 410], 410, State.SUCCEEDED),
        ([302, 410], 302, State.SUCCEEDED),
        ([503], 200, State.FAILED),
    ],
)
async def test_the_target_says_what_counts_as_success(
    success_statuses: list[int], status: int, state: State, executor: WebhookExecutor, receiver: Receiver
) -> None:
    outcome = await run(executor, receiver.url(f"/status/{status}"), success_statuses=success_statuses)

    assert (outcome.state, outcome.reason is None) == (state, state is State.SUCCEEDED)


def in_seconds(seconds: float) -> str:
    return format_datetime(clock.now() + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("3601", 3600),
        ("9" * 400, 3600),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Fri, 31 Dec 1999 23:59:59 -0000", 0),
        ("Fri, 99 Dec 9999 23:59:59 GMT", None),
    ],
)
async def test_the_wish_of_the_receiver_is_read(
    status: int, value: str, seconds: float | None, executor: WebhookExecutor, receiver: Receiver
) -> None:
    outcome = await run(executor, receiver.url(f"/retry-after/{status}/{quote(value)}"))

    assert outcome.retry_after_seconds == seconds


async def test_a_wish_may_be_a_date(executor: WebhookExecutor, receiver: Receiver) -> None:
    outcome = await run(executor, receiver.url(f"/retry-after/429/{quote(in_seconds(100))}"))

    assert outcome.retry_after_seconds == pytest.approx(100, abs=5)


async def test_a_wish_beside_a_client_error_is_ignored(executor: WebhookExecutor, receiver: Receiver) -> None:
    outcome = await run(executor, receiver.url("/retry-after/400/120"))

    assert outcome.retry_after_seconds is None


@pytest.mark.parametrize(("own", "whole"), [(0.2, 5), (5, 0.2)])
async def test_the_shorter_deadline_counts(
    own: float, whole: float, executor: WebhookExecutor, receiver: Receiver
) -> None:
    target = target_of(receiver.url("/hang"), timeout_seconds=own)
    async with asyncio.timeout(1.2):
        outcome = await executor.run(target, context(timeout_seconds=whole))

    assert outcome == Outcome(State.TIMED_OUT, Reason.TIMEOUT, error="No complete answer within 0.2 seconds.")


async def test_no_connection_is_a_network_error(executor: WebhookExecutor) -> None:
    outcome = await run(executor, "http://127.0.0.1:1/")

    error = "No connection to 127.0.0.1:1: it was refused."
    assert outcome == Outcome(State.FAILED, Reason.NETWORK_ERROR, error=error)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://localhost/", "http://[::1]/", "http://2130706433/"])
async def test_a_denied_address_is_blocked_for_good(url: str) -> None:
    async with open_dispatch_client(Guard(), connections=1) as client:
        outcome = await run(WebhookExecutor(client), url)

    assert (outcome.state, outcome.reason, outcome.is_final) == (State.FAILED, Reason.BLOCKED, True)
    assert outcome.error


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"url": "http://10.0.0.1/"}, "a private address"),
        ({"url": "http://127.1/"}, "unusual way"),
        ({"url": "http://%31.2.3.4/"}, "no host"),
        ({"url": f"http://{'a' * 300}/"}, "no host"),
        ({"url": "http://example.com/", "signing_secret": "hunter2"}, "begins with whsec_"),
    ],
)
async def test_what_can_never_be_called_is_refused_beforehand(
    fields: dict[str, Any], complaint: str, executor: WebhookExecutor
) -> None:
    with pytest.raises(ValueError, match=complaint):
        executor.check(target_of(**fields))


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost/", "https://example.com:8443/x"])
async def test_what_may_be_called_is_taken(url: str, executor: WebhookExecutor, receiver: Receiver) -> None:
    executor.check(target_of(url, signing_secret=SIGNING_SECRET))

    assert receiver.connections == 0


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.COM/x", "example.com:443"),
        ("http://example.com./x", "example.com:80"),
        ("http://example.com:8080", "example.com:8080"),
        ("http://[2001:DB8::1]:81/", "[2001:db8::1]:81"),
        ("https://münchen.example/", "xn--mnchen-3ya.example:443"),
    ],
)
def test_a_target_names_the_host_it_loads(url: str, host: str, executor: WebhookExecutor) -> None:
    assert executor.host_of(target_of(url)) == host
