"""Keeps the tests on this machine: nothing but loopback and Unix sockets can be reached.

An audit hook (PEP 578) sees every connection that Python's own sockets make, whichever library asks for it.
"""

import sys
from ipaddress import ip_address
from typing import Any


class ReachedOut(BaseException):
    """A test tried to talk to another machine; no `Exception`, so that no code under test takes it for a broken line."""


def forbid_the_network() -> None:
    """Refuse to connect and to look up names from now on; an audit hook stays until the process ends."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    match event, arguments:
        case ("socket.connect" | "socket.sendto", (_, (str(host), *_))) if not is_local(host):
            raise ReachedOut(f"{event} to {host}")
        case "socket.getaddrinfo", (host, *_) if host is not None and not is_local(host):
            raise ReachedOut(f"{event} of {host!r}")


def is_local(host: str | bytes) -> bool:
    """Say whether a host is this machine; only literal addresses and `localhost` can be."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in {"", "localhost"}:
        return True
    try:
        address = ip_address(name.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
