import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any

import pytest

from stationmaster.outbound.guard import Blocked, Guard, GuardedResolver, Lookup
from stationmaster.outbound.http import open_dispatch_client
from tests.support.receiver import open_receiver


def answering(*addresses: str) -> Lookup:
    """Return a name service that knows these addresses for every name."""

    def lookup(host: bytes, port: int, *_: object) -> list[tuple[Any, ...]]:
        return [_info(address, port) for address in addresses]

    return lookup


def _info(address: str, port: int) -> tuple[Any, ...]:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


@asynccontextmanager
async def open_resolver(guard: Guard, lookup: Lookup) -> AsyncIterator[GuardedResolver]:
    resolver = GuardedResolver(guard, lookup)
    try:
        yield resolver
    finally:
        await resolver.close()


async def test_a_public_name_gives_exactly_the_addresses_that_were_checked() -> None:
    async with open_resolver(Guard(), answering("8.8.8.8", "2606:4700::1")) as resolver:
        results = await resolver.resolve("example.com", 443)

    assert [(result["hostname"], result["host"], result["port"]) for result in results] == [
        ("example.com", "8.8.8.8", 443),
        ("example.com", "2606:4700::1", 443),
    ]


@pytest.mark.parametrize("denied", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1", "fe80::1%lo", "169.254.169.254"])
async def test_one_denied_address_among_public_ones_refuses_the_name(denied: str) -> None:
    async with open_resolver(Guard(), answering("8.8.8.8", denied, "2606:4700::1")) as resolver:
        with pytest.raises(Blocked):
            await resolver.resolve("example.com", 443)


async def test_an_allowed_name_may_lead_anywhere() -> None:
    async with open_resolver(Guard(("db.internal:8080",)), answering("10.0.0.1", "::1")) as resolver:
        results = await resolver.resolve("db.internal", 8080)

    assert [result["host"] for result in results] == ["10.0.0.1", "::1"]


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".test", ".", "-"])
async def test_names_that_cannot_exist_are_unknown_names(host: str) -> None:
    def refuse(*_: object) -> list[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with open_resolver(Guard(), refuse) as resolver:
        with pytest.raises(socket.gaierror):
            await resolver.resolve(host, 80)


async def test_the_machines_own_name_service_is_asked_by_default() -> None:
    async with open_resolver(Guard(("127.0.0.0/8", "::1")), socket.getaddrinfo) as resolver:
        results = await resolver.resolve("localhost", 80)

    assert {result["host"] for result in results} <= {"127.0.0.1", "::1"}


async def test_rebinding_never_reaches_the_denied_address() -> None:
    """1,000 names that answer by turns with an address that may be called and one that may not."""
    turns = cycle([("127.0.0.2",), ("127.0.0.1",), ("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.2")])

    def lookup(host: bytes, port: int, *_: object) -> list[tuple[Any, ...]]:
        return [_info(address, port) for address in next(turns)]

    async with (
        open_receiver(host="127.0.0.1") as denied,
        open_receiver(host="127.0.0.2", port=denied.port) as allowed,
        open_dispatch_client(Guard(("127.0.0.2",)), connections=10, lookup=lookup) as client,
    ):
        refusals = 0
        for number in range(1000):
            try:
                url = allowed.url("/close", host=f"rebind-{number}.test")
                await client.send("POST", url, headers={}, body=b"", timeout_seconds=5)
            except Blocked:
                refusals += 1

    assert (denied.connections, allowed.connections, refusals) == (0, 250, 750)


async def test_a_silent_name_service_holds_up_only_the_names_it_is_asked_for() -> None:
    release = threading.Event()

    def lookup(host: bytes, port: int, *_: object) -> list[tuple[Any, ...]]:
        if host.startswith(b"slow"):
            release.wait(10)
        return [_info("127.0.0.1", port)]

    async with (
        open_receiver() as receiver,
        open_dispatch_client(Guard(("127.0.0.1",)), connections=50, lookup=lookup) as client,
    ):

        async def call(host: str, timeout_seconds: float) -> int:
            url = receiver.url("/ok", host=host)
            return (await client.send("GET", url, headers={}, body=None, timeout_seconds=timeout_seconds)).status

        slow = asyncio.gather(*(call(f"slow-{n}.test", 0.5) for n in range(20)), return_exceptions=True)
        fast = await asyncio.gather(*(call(f"fast-{n}.test", 0.4) for n in range(5)))
        slow_ends = await slow
        release.set()

    assert fast == [200] * 5
    assert {type(end) for end in slow_ends} == {TimeoutError}
