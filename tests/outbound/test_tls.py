"""The client reads the machine's trusted authorities when it is imported, so each test calls from a process of its own."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.outbound.certificates import Authority, make_authority
from tests.support.receiver import open_receiver

CALLER = """
import asyncio, json, socket, sys
from stationmaster.outbound.guard import Guard
from stationmaster.outbound.http import NoAnswer, open_dispatch_client

def lookup(host, port, *_):
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

async def call(client, url):
    try:
        return (await client.send("GET", url, headers={}, body=None, timeout_seconds=5)).text
    except NoAnswer as failure:
        return str(failure)

async def main(urls):
    async with open_dispatch_client(Guard(("127.0.0.1",)), connections=2, lookup=lookup) as client:
        print(json.dumps([await call(client, url) for url in urls]))

asyncio.run(main(sys.argv[1:]))
"""


async def call(*urls: str, trusting: Path | None) -> list[str]:
    """Call the addresses one after the other from a new process; return the body or the error of each."""
    environment = os.environ | ({"SSL_CERT_FILE": str(trusting)} if trusting else {})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CALLER, *urls, env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    ends: list[str] = json.loads(output)
    return ends


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path)


async def test_a_connection_is_for_the_name_that_its_certificate_proves(authority: Authority) -> None:
    """The second name is at the same address and port, where a proven connection stands open."""
    async with open_receiver(tls=authority.server("proven.test")) as receiver:
        urls = [receiver.url("/ok", host=host) for host in ("proven.test", "proven.test", "other.test")]
        first, second, other = await call(*urls, trusting=authority.file)

    assert (first, second) == ("ok", "ok")
    assert "Hostname mismatch, certificate is not valid for 'other.test'." in other
    assert {request.headers["host"].split(":")[0] for request in receiver.ledger} == {"proven.test"}


async def test_a_certificate_of_an_unknown_authority_is_not_accepted(authority: Authority) -> None:
    async with open_receiver(tls=authority.server("a.test")) as receiver:
        [end] = await call(receiver.url("/ok", host="a.test"), trusting=None)

    assert "is not accepted: unable to get local issuer certificate." in end
    assert receiver.ledger == []


async def test_an_expired_certificate_is_not_accepted(authority: Authority) -> None:
    async with open_receiver(tls=authority.server("a.test", until=timedelta(days=-1))) as receiver:
        [end] = await call(receiver.url("/ok", host="a.test"), trusting=authority.file)

    assert "is not accepted: certificate has expired." in end
    assert receiver.ledger == []
