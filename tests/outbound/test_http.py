import asyncio
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from typing import Any

import pytest

from stationmaster import __version__
from stationmaster.outbound.guard import Blocked, Guard
from stationmaster.outbound.http import MAX_BODY_BYTES, Answer, DispatchClient, NoAnswer, open_dispatch_client
from tests.outbound.spellings import SPELLINGS
from tests.support.receiver import Receiver, open_deaf_listener, open_receiver

DEADLINE = 0.3
LOOPBACK = IPv4Address("127.0.0.1")


def lookup(host: bytes, port: int, *_: object) -> list[tuple[Any, ...]]:
    """Know every name but those under `.unknown`, and know them as this machine."""
    if host.endswith(b".unknown"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(LOOPBACK), port))]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[DispatchClient]:
    async with open_dispatch_client(Guard(("127.0.0.1",)), connections=250, lookup=lookup) as opened:
        yield opened


async def call(client: DispatchClient, url: str, *, deadline: float = 5, body: bytes | None = None) -> Answer:
    return await client.send("POST", url, headers={"x-caller": "test"}, body=body, timeout_seconds=deadline)


async def test_an_answer_comes_back_with_its_facts(client: DispatchClient, receiver: Receiver) -> None:
    answer = await call(client, receiver.url("/ok"))

    assert answer == Answer(status=200, headers={"content-type": "text/plain"}, text="ok", is_truncated=False)


async def test_a_request_goes_out_as_given_under_our_name(client: DispatchClient, receiver: Receiver) -> None:
    await call(client, receiver.url("/ok?a=%2F+&b=c#part"), body="grüße".encode())

    [request] = receiver.ledger
    assert "content-type" not in request.headers
    assert (request.method, request.path, request.body) == ("POST", "/ok?a=%2F+&b=c", "grüße".encode())
    assert (
        request.headers.items()
        >= {
            "host": f"127.0.0.1:{receiver.port}",
            "user-agent": f"Stationmaster/{__version__}",
            "accept-encoding": "identity",
            "x-caller": "test",
        }.items()
    )


async def test_cookies_are_not_kept(client: DispatchClient, receiver: Receiver) -> None:
    await call(client, receiver.url("/cookie", host="cookie.test"))
    await call(client, receiver.url("/ok", host="cookie.test"))

    assert "cookie" not in receiver.ledger[1].headers


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
async def test_proxies_of_the_environment_are_ignored(
    name: str, monkeypatch: pytest.MonkeyPatch, client: DispatchClient, receiver: Receiver
) -> None:
    async with open_receiver() as proxy:
        monkeypatch.setenv(name, proxy.url(""))
        await call(client, receiver.url("/ok"))

    assert (proxy.connections, receiver.connections) == (0, 1)


@pytest.mark.parametrize("path", ["/hang", "/slow-headers", "/slow-body", "/continue-flood"])
async def test_whatever_dawdles_ends_at_the_deadline(path: str, client: DispatchClient, receiver: Receiver) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await call(client, receiver.url(path), deadline=DEADLINE)

    assert DEADLINE <= time.monotonic() - began < DEADLINE + 1
    async with asyncio.timeout(1):
        await receiver.idle()


async def test_a_handshake_that_stalls_ends_at_the_deadline(client: DispatchClient, receiver: Receiver) -> None:
    with pytest.raises(TimeoutError):
        await call(client, receiver.url("/ok").replace("http:", "https:"), deadline=DEADLINE)


async def test_a_connection_that_never_comes_ends_at_the_deadline(client: DispatchClient) -> None:
    async with open_deaf_listener() as port:
        with pytest.raises(TimeoutError):
            await call(client, f"http://127.0.0.1:{port}/", deadline=DEADLINE)


async def test_a_body_that_nobody_reads_ends_at_the_deadline(client: DispatchClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            await call(client, url, deadline=DEADLINE, body=bytes(1_000_000))


@pytest.mark.parametrize("path", ["/endless", "/huge", "/gzip-bomb", f"/body/{MAX_BODY_BYTES + 1}"])
async def test_a_large_body_is_cut_and_the_rest_refused(path: str, client: DispatchClient, receiver: Receiver) -> None:
    answer = await call(client, receiver.url(path))

    assert (answer.status, len(answer.text) <= MAX_BODY_BYTES, answer.is_truncated) == (200, True, True)


@pytest.mark.parametrize("path", ["/huge", "/gzip-bomb"])
async def test_a_large_body_takes_little_memory(path: str, client: DispatchClient, receiver: Receiver) -> None:
    await call(client, receiver.url(path))
    tracemalloc.start()
    await call(client, receiver.url(path))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 3_000_000


@pytest.mark.parametrize("path", ["/endless", "/huge"])
async def test_a_server_that_goes_on_sending_is_hung_up_on(
    path: str, client: DispatchClient, receiver: Receiver
) -> None:
    await call(client, receiver.url(path))

    async with asyncio.timeout(1):
        await receiver.idle()


@pytest.mark.parametrize("size", [0, 1, MAX_BODY_BYTES])
async def test_a_body_up_to_the_limit_is_whole(size: int, client: DispatchClient, receiver: Receiver) -> None:
    answer = await call(client, receiver.url(f"/body/{size}"))

    assert (len(answer.text), answer.is_truncated) == (size, False)


@pytest.mark.parametrize("status", [101, 200, 204, 304, 404, 500, 599])
async def test_every_status_is_an_answer(status: int, client: DispatchClient, receiver: Receiver) -> None:
    answer = await call(client, receiver.url(f"/status/{status}"))

    assert (answer.status, answer.text) == (status, "")


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/reset", "closed the connection before the answer was complete"),
        ("/reset-after-headers", "closed the connection before the answer was complete"),
        ("/cut-body", "closed the connection before the answer was complete"),
        ("/invalid", "not valid HTTP"),
        ("/header-flood", "not valid HTTP"),
        ("/long-header", "not valid HTTP"),
    ],
)
async def test_a_broken_answer_is_none(path: str, complaint: str, client: DispatchClient, receiver: Receiver) -> None:
    with pytest.raises(NoAnswer, match=complaint):
        await call(client, receiver.url(path))


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://127.0.0.1:1/", r"No connection to 127\.0\.0\.1:1: it was refused"),
        ("http://nobody.unknown/", "host name of nobody.unknown:80 cannot be resolved"),
    ],
)
async def test_no_connection_is_told_in_our_words(url: str, complaint: str, client: DispatchClient) -> None:
    with pytest.raises(NoAnswer, match=complaint):
        await call(client, url)


@pytest.mark.parametrize("location", ["", "/http:%2F%2F169.254.169.254%2Flatest", "/%2Fredirect"])
async def test_redirects_are_answers(location: str, client: DispatchClient, receiver: Receiver) -> None:
    answer = await call(client, receiver.url(f"/redirect{location}"))

    assert (answer.status, "location" in answer.headers, len(receiver.ledger)) == (302, True, 1)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_a_denied_address_is_connected_to(spelling: str, receiver: Receiver) -> None:
    async with open_dispatch_client(Guard(), connections=1, lookup=lookup) as client:
        with pytest.raises(Blocked):
            await call(client, receiver.url("/ok").replace("127.0.0.1", SPELLINGS[spelling](LOOPBACK)))

    assert receiver.connections == 0


async def test_a_name_of_a_denied_address_is_not_connected_to(receiver: Receiver) -> None:
    async with open_dispatch_client(Guard(), connections=1, lookup=lookup) as client:
        with pytest.raises(Blocked):
            await call(client, receiver.url("/ok", host="inside.test"))

    assert receiver.connections == 0


async def test_connections_are_kept_for_their_own_name_only(client: DispatchClient, receiver: Receiver) -> None:
    for host in ["a.test", "a.test", "b.test", "b.test"]:
        await call(client, receiver.url("/ok", host=host))

    assert receiver.connections == 2


async def test_slow_hosts_do_not_delay_others(client: DispatchClient, receiver: Receiver) -> None:
    """100 silent and 100 quick calls at once: the quick ones are back long before the silent ones end."""
    silent = asyncio.gather(
        *(call(client, receiver.url("/hang"), deadline=3) for _ in range(100)), return_exceptions=True
    )
    began = time.monotonic()
    quick = await asyncio.gather(*(call(client, receiver.url("/ok")) for _ in range(100)))
    took = time.monotonic() - began
    silent.cancel()

    assert {answer.status for answer in quick} == {200}
    assert took < 2


async def test_cancelling_a_call_ends_it_at_once(client: DispatchClient, receiver: Receiver) -> None:
    task = asyncio.ensure_future(call(client, receiver.url("/hang"), deadline=60))
    await receiver.received()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(1):
        await receiver.idle()


@pytest.mark.parametrize(
    ("encoding", "text", "is_truncated"),
    [("gzip", "hello", False), ("x-gzip", "hello", False), ("deflate", "hello", False), ("br", "", True)],
)
async def test_bodies_compressed_unasked_are_read(
    encoding: str, text: str, is_truncated: bool, client: DispatchClient, receiver: Receiver
) -> None:
    answer = await call(client, receiver.url(f"/encoded/{encoding}/hello"))

    assert (answer.text, answer.is_truncated) == (text, is_truncated)


async def test_a_body_that_is_not_what_it_says_is_left_out(client: DispatchClient, receiver: Receiver) -> None:
    answer = await call(client, receiver.url("/garbled"))

    assert (answer.status, answer.text, answer.is_truncated) == (200, "", True)


async def test_text_can_always_be_stored(client: DispatchClient, receiver: Receiver) -> None:
    """PostgreSQL takes neither NUL nor lone surrogates."""
    body = await call(client, receiver.url("/text/a%00b%FF%ED%A0%80c"))
    header = await call(client, receiver.url("/odd-header"))

    assert body.text == "ab\ufffd\ufffd\ufffd\ufffdc"
    assert header.headers == {"content-type": "text/\ufffd"}


async def test_a_plain_server_is_no_tls_server(client: DispatchClient) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        with pytest.raises(NoAnswer, match="No TLS connection"):
            await call(client, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
