"""The HTTP client for calls to addresses that users chose: many at once, each short, each guarded.

One call ends by its deadline whatever the other side does, and costs bounded memory: at most `MAX_BODY_BYTES` of the
answer are read, and at most as many come out of decompression. Redirects are answers like any other. There are no
cookies, no proxies and no credentials from the environment. TLS certificates are verified. Connections are kept by host
name, so that one that was opened (and verified) for a name is never used for another.
"""

import asyncio
import errno
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from stationmaster import __version__
from stationmaster.outbound.guard import Guard, GuardedResolver, Lookup, parse_url

MAX_BODY_BYTES = 65_536
CONNECT_SECONDS = 5
IDLE_SECONDS = 1.0
"""Servers close idle connections after 2 (gunicorn) to 75 seconds, and a POST sent into that very moment is lost."""
DNS_SECONDS = 10
KEPT_HEADERS = ("content-type", "location", "retry-after", "x-request-id")

_FAULTS: tuple[tuple[type[aiohttp.ClientError], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "The host name of {place} cannot be resolved."),
    (aiohttp.ConnectionTimeoutError, "{place} did not take the connection within {seconds} seconds."),
    (aiohttp.ClientConnectorCertificateError, "The TLS certificate of {place} is not accepted: {fault}."),
    (aiohttp.ClientSSLError, "No TLS connection could be made with {place}."),
    (aiohttp.ClientConnectorError, "No connection to {place}: {fault}."),
    (aiohttp.ClientResponseError, "{place} sent something that is not valid HTTP."),
    (aiohttp.InvalidURL, "The address cannot be called as it is written."),
    (aiohttp.ClientError, "{place} closed the connection before the answer was complete."),
)
"""What each error is called; the first that fits, and the last fits all."""
_UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_CONNECT_FAULTS = {
    errno.ECONNREFUSED: "it was refused",
    errno.EHOSTUNREACH: "the host cannot be reached",
    errno.ENETUNREACH: "the network cannot be reached",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    `headers` are some of them (`KEPT_HEADERS`), by lower-case name. `text` is the start of the body, read as UTF-8 with
    what is not UTF-8 replaced and NUL removed; `is_truncated` says that there was more, or that it was unreadable.
    """

    status: int
    headers: Mapping[str, str]
    text: str
    is_truncated: bool


class NoAnswer(Exception):
    """No complete HTTP answer came; the text says why, in a sentence for the user.

    `is_unsent` says that there was no connection, so that the call had no effect.
    """

    def __init__(self, text: str, *, is_unsent: bool = False) -> None:
        super().__init__(text)
        self.is_unsent = is_unsent


class DispatchClient:
    """Sends calls. Made by `open_dispatch_client`; safe for any number of tasks at once."""

    def __init__(self, session: aiohttp.ClientSession, guard: Guard) -> None:
        self._session = session
        self._guard = guard

    def check(self, url: str) -> None:
        """Refuse, before any call, a URL whose host is an address that may not be called; names wait for the call.

        Raises:
            Blocked: says why.
        """
        self._guard.check_literal(url)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_seconds: float,
        max_bytes: int = MAX_BODY_BYTES,
        kept_headers: tuple[str, ...] = KEPT_HEADERS,
    ) -> Answer:
        """Send one request and read the start of its answer, all within `timeout_seconds`.

        Of the answer `max_bytes` and `kept_headers` are given back.

        Header names are in lower case and have passed `kit.headers.check_header`, as have the values.

        Raises:
            Blocked: the address may not be called; nothing was sent.
            NoAnswer: no connection, or it broke, or what came was not HTTP.
            TimeoutError: the time is over.
        """
        self.check(url)
        target = parse_url(url)
        automatic = None if "content-type" in headers else ("content-type",)
        try:
            async with (
                asyncio.timeout(timeout_seconds),
                self._session.request(
                    method, target, headers=headers, data=body, allow_redirects=False, skip_auto_headers=automatic
                ) as response,
            ):
                return await _read_answer(response, max_bytes, kept_headers)
        except aiohttp.ClientError as error:
            raise NoAnswer(_explain(error, target), is_unsent=isinstance(error, _UNSENT)) from error


@asynccontextmanager
async def open_dispatch_client(
    guard: Guard, *, connections: int, lookup: Lookup = socket.getaddrinfo
) -> AsyncIterator[DispatchClient]:
    """Open the client for as long as the context lasts.

    `connections` is the most that are in use at once; a call above that waits, which counts against its deadline.
    `lookup` is the name service.
    """
    resolver = GuardedResolver(guard, lookup)
    connector = aiohttp.TCPConnector(
        limit=connections, resolver=resolver, ttl_dns_cache=DNS_SECONDS, keepalive_timeout=IDLE_SECONDS
    )
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": f"Stationmaster/{__version__}", "accept-encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            trust_env=False,
        ) as session:
            yield DispatchClient(session, guard)
    finally:
        await resolver.close()


async def _read_answer(response: aiohttp.ClientResponse, most: int, kept_headers: tuple[str, ...]) -> Answer:
    raw, is_cut = await _read_start(response.content, most)
    body, is_rest_lost = _decompress(raw, response.headers.get("content-encoding", "").strip().lower(), most)
    return Answer(
        status=response.status,
        headers={name: _clean(response.headers[name]) for name in kept_headers if name in response.headers},
        text=body.decode(errors="replace").replace("\0", ""),
        is_truncated=is_cut or is_rest_lost,
    )


async def _read_start(stream: aiohttp.StreamReader, most: int) -> tuple[bytes, bool]:
    """Read to the end, or just over the limit; a connection with an unread rest is closed, not used again."""
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > most:
            return bytes(body[:most]), True
    return bytes(body), False


def _decompress(raw: bytes, encoding: str, most: int) -> tuple[bytes, bool]:
    """Undo gzip or deflate, which some servers send unasked; anything else, or broken, is left out."""
    if encoding in {"", "identity"} or not raw:
        return raw, False
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return b"", True
    try:
        body = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, most + 1)
    except zlib.error:
        return b"", True
    return body[:most], len(body) > most


def _clean(value: str) -> str:
    """Make a header value storable: aiohttp hands on bytes that are not UTF-8 as lone surrogates."""
    return value.encode(errors="surrogateescape").decode(errors="replace")


def _explain(error: aiohttp.ClientError, url: URL) -> str:
    text = next(text for kind, text in _FAULTS if isinstance(error, kind))
    return text.format(place=f"{url.host_subcomponent}:{url.port}", seconds=CONNECT_SECONDS, fault=_name_fault(error))


def _name_fault(error: aiohttp.ClientError) -> str:
    """Name what is wrong with a connection in a closed list of words: the library's own text names inner addresses."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        fault = error.certificate_error
        return (
            fault.verify_message.rstrip(".")
            if isinstance(fault, ssl.SSLCertVerificationError)
            else "it cannot be verified"
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return _CONNECT_FAULTS.get(error.os_error.errno or 0, "it could not be made")
    return ""
