"""The demonstration's receiver answers as its jobs expect."""

import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from stationmaster.entrypoints.demo.receiver import Receiver, open_receiver
from stationmaster.kit import clock
from stationmaster.outbound.signing import sign

SECRET = "whsec_" + "c2VjcmV0" * 4
BODY = b'{"hello": "there"}'


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver(signing_secret=SECRET, wanted_port=0) as opened:
        yield opened


async def post(receiver: Receiver, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(receiver.url(path), content=BODY, headers=headers)


async def test_it_answers(receiver: Receiver) -> None:
    assert (200, "ok") == ((await post(receiver, "/ok")).status_code, (await post(receiver, "/ok")).text)
    assert 404 == (await post(receiver, "/nowhere")).status_code


@pytest.mark.parametrize(("attempt", "expected"), [("1", 500), ("2", 500), ("3", 200)])
async def test_it_fails_twice(receiver: Receiver, attempt: str, expected: int) -> None:
    assert expected == (await post(receiver, "/flaky", **{"Stationmaster-Attempt": attempt})).status_code


async def test_it_is_slow(receiver: Receiver) -> None:
    answer = await post(receiver, "/slow")

    assert (200, True) == (answer.status_code, answer.elapsed > timedelta(seconds=1))


@pytest.mark.parametrize(("body", "expected"), [(BODY, 200), (b"other", 401)])
async def test_it_verifies_signatures(receiver: Receiver, body: bytes, expected: int) -> None:
    now = clock.now()
    headers = {
        "Webhook-Id": "message",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": sign(SECRET, message_id="message", at=now, body=body),
    }

    assert expected == (await post(receiver, "/signed", **headers)).status_code


async def test_it_refuses_what_is_not_signed(receiver: Receiver) -> None:
    assert 401 == (await post(receiver, "/signed")).status_code


async def test_it_takes_another_port_when_the_wanted_one_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wanted = listener.getsockname()[1]
        async with open_receiver(signing_secret=SECRET, wanted_port=wanted) as receiver:
            assert receiver.port not in {0, wanted}
            assert 200 == (await post(receiver, "/ok")).status_code
