"""What a target answers is data: it is cut, and no secret of ours is kept with it."""

import base64
import json
from dataclasses import asdict
from urllib.parse import quote

import pytest

from stationmaster.domains.executions.kinds.webhook import WebhookExecutor
from stationmaster.kit.masking import MASK
from tests.domains.executions.kinds.calling import OTHER_SIGNING_SECRET, SIGNING_SECRET, run
from tests.support.receiver import Receiver


async def test_a_long_answer_is_cut(executor: WebhookExecutor, receiver: Receiver) -> None:
    outcomes = [await run(executor, receiver.url(f"/body/{size}")) for size in (1000, 1001, 70_000)]

    kept = [(len(outcome.result["body"]), outcome.result["truncated"]) for outcome in outcomes if outcome.result]
    assert kept == [(1000, False), (1000, True), (1000, True)]


CANARY = 'canary/"+&é'
FORMS = {
    "plain": CANARY,
    "json": json.dumps(CANARY),
    "percent": quote(CANARY, safe=""),
    "base64": base64.b64encode(CANARY.encode()).decode(),
    "base64url": base64.urlsafe_b64encode(CANARY.encode()).decode(),
    "one word of the header": "x" + CANARY + "x",
}


@pytest.mark.parametrize("form", FORMS)
async def test_a_secret_that_comes_back_is_masked(form: str, executor: WebhookExecutor, receiver: Receiver) -> None:
    url = receiver.url(f"/text/{quote('<' + FORMS[form] + '>', safe='')}")
    outcome = await run(executor, url, secret_headers={"authorization": f"Bearer {CANARY}"})

    assert outcome.result is not None
    assert MASK in outcome.result["body"]
    assert FORMS[form].strip('"').rstrip("=") not in json.dumps(asdict(outcome), default=str, ensure_ascii=False)


async def test_no_secret_survives_an_echo_of_everything(executor: WebhookExecutor, receiver: Receiver) -> None:
    outcome = await run(
        executor,
        receiver.url("/echo"),
        secret_headers={"x-token": "canary-one", "x-pair": "user:canary-two"},
        signing_secret=f"{SIGNING_SECRET} {OTHER_SIGNING_SECRET}",
    )

    assert receiver.ledger[0].headers["x-token"] == "canary-one"
    assert "canary" not in repr(outcome)


@pytest.mark.parametrize("path", ["/text/MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", f"/text/{SIGNING_SECRET}"])
async def test_a_signing_secret_is_masked_with_and_without_its_prefix(
    path: str, executor: WebhookExecutor, receiver: Receiver
) -> None:
    outcome = await run(executor, receiver.url(path), signing_secret=SIGNING_SECRET)

    assert outcome.result is not None
    assert outcome.result["body"] == MASK


async def test_a_secret_at_the_edge_of_what_is_kept_leaves_no_half(
    executor: WebhookExecutor, receiver: Receiver
) -> None:
    outcome = await run(
        executor, receiver.url(f"/text/{'x' * 995}canary-secret"), secret_headers={"x": "canary-secret"}
    )

    assert outcome.result is not None
    assert outcome.result["body"] == "x" * 995 + MASK[:5]


async def test_a_secret_in_a_header_of_the_answer_is_masked(executor: WebhookExecutor, receiver: Receiver) -> None:
    outcome = await run(executor, receiver.url("/redirect/canary-secret"), secret_headers={"x": "canary-secret"})

    assert outcome.result is not None
    assert outcome.result["headers"]["location"] == MASK


async def test_a_secret_in_an_error_is_masked(executor: WebhookExecutor) -> None:
    outcome = await run(executor, "http://127.0.0.1:1/", secret_headers={"x": "127.0.0.1"})

    assert outcome.error == f"No connection to {MASK}:1: it was refused."
