"""The gate against server-side request forgery: which addresses a user's call may reach.

What is judged is the address that the socket connects to, never the text of the URL:

- a name is resolved once per connection, by `GuardedResolver`; every address it has must pass, and the client connects
  to one of exactly these. A name that answers differently the next time gains nothing.
- an address written in the URL skips the resolver, so `Guard.check_literal` judges it, however spelt, before each call.

Only public unicast addresses pass, and not on ports where another protocol than HTTP is spoken. The allow-list is the
only exception. Python's `is_global` is not enough: it is true for NAT64, 6to4, site-local and multicast addresses.
"""

import asyncio
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Lookup = Callable[..., list[tuple[Any, ...]]]
"""The shape of `socket.getaddrinfo`."""

LONGEST_HOST = 253  # RFC 1035, section 2.3.4, without the root's dot
LOOKUP_THREADS = 32
"""Names looked up at once: a silent name server holds a thread for many seconds, and must not hold up the others."""

_DENIED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        # IANA IPv4 Special-Purpose Address Registry; RFC 7526 for the relay; RFC 5771 and 1112 for the end.
        ("0.0.0.0/8", "an unspecified"),
        ("10.0.0.0/8", "a private"),
        ("100.64.0.0/10", "a carrier's private"),
        ("127.0.0.0/8", "a loopback"),
        ("169.254.0.0/16", "a link-local"),
        ("172.16.0.0/12", "a private"),
        ("192.0.0.0/24", "a reserved"),
        ("192.0.2.0/24", "a documentation"),
        ("192.88.99.0/24", "a relay"),
        ("192.168.0.0/16", "a private"),
        ("198.18.0.0/15", "a benchmark"),
        ("198.51.100.0/24", "a documentation"),
        ("203.0.113.0/24", "a documentation"),
        ("224.0.0.0/4", "a multicast"),
        ("240.0.0.0/4", "a reserved"),
        # A public address by number, but answered by the cloud's host (Azure, "What is IP address 168.63.129.16?").
        ("168.63.129.16/32", "a cloud platform's own"),
        # IANA IPv6 Special-Purpose Address Registry; mapped, 6to4 and NAT64 addresses are unwrapped before.
        ("::/128", "an unspecified"),
        ("::1/128", "a loopback"),
        ("2001::/23", "a tunnel or reserved"),  # Teredo, benchmark, ORCHID
        ("2001:db8::/32", "a documentation"),
        ("3fff::/20", "a documentation"),
        ("fc00::/7", "a private"),
        ("fe80::/10", "a link-local"),
        ("fec0::/10", "a site-local"),
        ("ff00::/8", "a multicast"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, section 2.4: all that is handed out so far
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052

OTHER_PROTOCOL_PORTS = frozenset(
    {
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
        109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
        526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
        3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    }
)  # fmt: skip
"""Ports that browsers refuse too (WHATWG Fetch, "bad port"): what listens there may read HTTP as its own protocol."""

_ENTRY = re.compile(r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<plain>[^:]+))(?::(?P<port>[0-9]{1,5}))?\Z")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\Z")


class Blocked(ValueError):
    """The call may not be made; the text says why in words for the user, without the addresses behind a name."""


class Guard:
    """Decides which addresses may be called.

    `allow` lists what may be called although it would be refused: host names (as written in the URL, with whatever they
    resolve to), addresses and CIDRs (of the resolved address), each with `:port` or for every port. IPv6 takes brackets
    when a port follows: `[fd00::1]:8080`.

    Raises:
        ValueError: an entry is none of these.
    """

    def __init__(self, allow: tuple[str, ...] = ()) -> None:
        entries = [_parse_entry(entry) for entry in allow]
        self._names = {(host, port) for host, port in entries if isinstance(host, str)}
        self._networks = [(host, port) for host, port in entries if not isinstance(host, str)]

    def check_literal(self, url: str) -> None:
        """Refuse a URL whose host is an address that may not be called; a name is judged when it is resolved.

        Raises:
            Blocked: the address may not be called, is spelt in an unusual way, or the URL cannot be read.
        """
        parsed = parse_url(url)
        host, port = parsed.raw_host or "", parsed.port or 0
        address = _read_literal(host)
        if address is None and ":" in host:
            raise Blocked(f"{host} is no address.")
        if address is None:
            return
        self.check_address(host, port, address)
        if isinstance(address, IPv4Address) and host != str(address):
            raise Blocked(f"{host} is an unusual way to write {address}; write that.")

    def check_address(self, host: str, port: int, address: Address) -> None:
        """Refuse one address that `host` stands for.

        Raises:
            Blocked: it is no public unicast address, or the port is another protocol's; and no entry allows it.
        """
        if self._allows(host, port, address):
            return
        if kind := classify(address):
            raise Blocked(f"{host} is or leads to {kind} address, which may not be called.")
        if port in OTHER_PROTOCOL_PORTS:
            raise Blocked(f"Port {port} of {host} is not one for HTTP calls.")

    def _allows(self, host: str, port: int, address: Address) -> bool:
        name = _normal_name(host)
        if (name, None) in self._names or (name, port) in self._names:
            return True
        networks = [network for network, allowed_port in self._networks if allowed_port in {None, port}]
        embedded = _embedded_v4(address)
        return any(address in network or (embedded is not None and embedded in network) for network in networks)


class GuardedResolver(AbstractResolver):
    """Resolves names for the client, and refuses a name of which any address is denied.

    `lookup` is the name service, `socket.getaddrinfo` or a stand-in. It runs in threads of our own, because the loop's
    are few and shared (uvloop has four). Close it when done.
    """

    def __init__(self, guard: Guard, lookup: Lookup = socket.getaddrinfo) -> None:
        self._guard = guard
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses to connect to, all of them checked.

        Raises:
            Blocked: one of them may not be called.
            OSError: the name cannot be resolved.
        """
        # As bytes: Python's IDNA step would raise UnicodeError where the name service just says "no such name".
        query = partial(self._lookup, host.encode(), port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, query)
        for *_, socket_address in found:
            self._guard.check_address(host, port, ip_address(socket_address[0]))
        return [_to_result(host, port, info) for info in found]

    async def close(self) -> None:
        """Let go of the threads; a lookup under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@lru_cache(maxsize=4096)
def parse_url(text: str) -> URL:
    """Read a URL as the client will call it: path and query as they were written where that is plain ASCII.

    Raises:
        Blocked: it cannot be read, or its host cannot be one.
    """
    try:
        url = URL(text)
    except ValueError as error:
        raise Blocked("The address cannot be read.") from error
    if url.scheme not in {"http", "https"}:
        raise Blocked("Only http and https addresses can be called.")
    host = url.raw_host or ""
    if not host or len(host) > LONGEST_HOST or (":" not in host and "%" in host):
        raise Blocked("The address names no host that can be called.")
    is_plain = text.isascii() and text.isprintable() and " " not in text
    return URL(text, encoded=True) if is_plain else url


@lru_cache(maxsize=4096)
def classify(address: Address) -> str | None:
    """Say what kind of address this is when it is not public unicast, with its article; None when it is."""
    embedded = _embedded_v4(address)
    if embedded is not None:
        return classify(embedded)
    for network, kind in _DENIED:
        if address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "a reserved"
    return None


def _embedded_v4(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that a mapped, 6to4 (RFC 3056) or NAT64 address leads to."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


@lru_cache(maxsize=4096)
def _read_literal(host: str) -> Address | None:
    """Read a host that is an address, also as `inet_aton` does (`127.1`, `0x7f.1`, `2130706433`); None for a name."""
    bare = host.rstrip(".")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(bare))
    except OSError:
        return None


def _normal_name(host: str) -> str:
    return host.rstrip(".").lower()


def _to_result(host: str, port: int, info: tuple[Any, ...]) -> ResolveResult:
    family, _, protocol, _, socket_address = info
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=socket_address[0], port=port, family=family, proto=protocol, flags=flags)


def _parse_entry(entry: str) -> tuple[str | Network, int | None]:
    """Read one entry of the allow-list; the port is None when it allows every port."""
    match = _ENTRY.match(entry)
    host = (match["bracketed"] or match["plain"]) if match else entry
    port = int(match["port"]) if match and match["port"] else None
    if port is not None and not 1 <= port <= 65_535:
        raise ValueError(f"{entry!r} in the list of allowed addresses has a port that does not exist")
    try:
        return _parse_host(host), port
    except ValueError as error:
        raise ValueError(f"{entry!r} in the list of allowed addresses is not usable: {error}") from error


def _parse_host(host: str) -> str | Network:
    if "/" in host or ":" in host:
        return ip_network(host)
    address = _read_literal(host)
    if address is not None and str(address) != host:
        raise ValueError(f"write it as {address}")
    if address is not None:
        return ip_network(address)
    name = _normal_name(URL.build(scheme="http", host=host).raw_host or "")
    if not _NAME.match(name):
        raise ValueError("it is no host name, address, CIDR or one of these with a port")
    return name
