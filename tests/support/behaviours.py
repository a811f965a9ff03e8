"""The ways in which the test receiver answers, by the first part of the path."""

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote, unquote_to_bytes

TICK_SECONDS = 0.05
"""Between two bytes of the slow behaviours."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire; header names in lower case, those sent twice with both values."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str | None:
        return self.headers.get("webhook-id")

    @property
    def attempt(self) -> int | None:
        attempt = self.headers.get("stationmaster-attempt")
        return int(attempt) if attempt else None

    @property
    def arguments(self) -> list[str]:
        """What follows the behaviour's name in the path."""
        return [unquote(part) for part in self.path.partition("?")[0].split("/")[2:]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, those before it (and itself), and the connection on which to answer."""

    request: Received
    ledger: list[Received]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def answer_as_asked(exchange: Exchange) -> None:
    """Do what the path asks for; a path that asks for nothing known is 404."""
    name = exchange.request.path.partition("?")[0].split("/")[1]
    await BEHAVIOURS.get(name, _not_found)(exchange)


def _answer(exchange: Exchange, status: int, body: bytes = b"", *, length: int | None = None, **headers: str) -> None:
    """Write an answer; header names are given with underscores, and a `length` of -1 declares none."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    if length != -1:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    exchange.writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


async def _not_found(exchange: Exchange) -> None:
    _answer(exchange, 404, f"no behaviour for {exchange.request.path}".encode())


async def _ok(exchange: Exchange) -> None:
    _answer(exchange, 200, b"" if exchange.request.method == "HEAD" else b"ok", content_type="text/plain")


async def _close_after(exchange: Exchange) -> None:
    _answer(exchange, 200, b"ok", connection="close")
    exchange.writer.close()


async def _cookie(exchange: Exchange) -> None:
    _answer(exchange, 200, b"ok", set_cookie="session=1; Path=/")


async def _echo(exchange: Exchange) -> None:
    seen = {
        "method": exchange.request.method,
        "path": exchange.request.path,
        "headers": exchange.request.headers,
        "body": exchange.request.body.decode(),
    }
    _answer(exchange, 200, json.dumps(seen).encode(), content_type="application/json")


async def _status(exchange: Exchange) -> None:
    status = int(exchange.request.arguments[0])
    _answer(exchange, status, b"", length=-1 if status in {101, 204, 304} else None)


async def _retry_after(exchange: Exchange) -> None:
    status, value = exchange.request.arguments
    _answer(exchange, int(status), b"later", retry_after=value)


async def _flaky(exchange: Exchange) -> None:
    """Answer 503 to the first n requests with this message id, and 200 from then on."""
    seen = sum(earlier.id == exchange.request.id for earlier in exchange.ledger)
    _answer(exchange, 503 if seen <= int(exchange.request.arguments[0]) else 200)


async def _body(exchange: Exchange) -> None:
    _answer(exchange, 200, b"x" * int(exchange.request.arguments[0]))


async def _text(exchange: Exchange) -> None:
    """Answer with the rest of the path as the body, byte for byte."""
    _answer(exchange, 200, unquote_to_bytes(exchange.request.path.split("/")[2]))


async def _encoded(exchange: Exchange) -> None:
    encoding, text = exchange.request.arguments
    _answer(exchange, 200, gzip.compress(text.encode()), content_encoding=encoding)


async def _garbled(exchange: Exchange) -> None:
    _answer(exchange, 200, b"this is no gzip", content_encoding="gzip")


async def _hang(exchange: Exchange) -> None:
    """Say nothing until the caller hangs up."""
    await exchange.reader.read()


async def _slow_headers(exchange: Exchange) -> None:
    await _drip(exchange, b"HTTP/1.1 200 OK\r\nx-slow: " + b"y" * 1000)


async def _slow_body(exchange: Exchange) -> None:
    _answer(exchange, 200, length=1000)
    await _drip(exchange, b"z" * 1000)


async def _drip(exchange: Exchange, data: bytes) -> None:
    for index in range(len(data)):
        exchange.writer.write(data[index : index + 1])
        await exchange.writer.drain()
        await asyncio.sleep(TICK_SECONDS)


async def _endless(exchange: Exchange) -> None:
    _answer(exchange, 200, length=-1, connection="close")
    await _flood(exchange, b"e" * 16_384)


async def _huge(exchange: Exchange) -> None:
    _answer(exchange, 200, length=2**30)
    await _flood(exchange, b"h" * 16_384)


async def _header_flood(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\n")
    await _flood(exchange, b"x-more: and more\r\n" * 100)


async def _continue_flood(exchange: Exchange) -> None:
    await _flood(exchange, b"HTTP/1.1 100 Continue\r\n\r\n")


async def _flood(exchange: Exchange, data: bytes) -> None:
    while True:
        exchange.writer.write(data)
        await exchange.writer.drain()
        await asyncio.sleep(0)


async def _gzip_bomb(exchange: Exchange) -> None:
    _answer(exchange, 200, _bomb(), content_encoding="gzip")


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    return gzip.compress(bytes(20_000_000))


async def _redirect(exchange: Exchange) -> None:
    """Redirect to the address in the path, or to `/ok` here."""
    _answer(
        exchange,
        302,
        location=exchange.request.arguments[0] if exchange.request.arguments else "/ok",
    )


async def _reset(exchange: Exchange) -> None:
    exchange.writer.transport.abort()


async def _reset_after_headers(exchange: Exchange) -> None:
    _answer(exchange, 200, length=100)
    await exchange.writer.drain()
    exchange.writer.transport.abort()


async def _cut_body(exchange: Exchange) -> None:
    _answer(exchange, 200, b"half", length=100)
    exchange.writer.close()


async def _invalid(exchange: Exchange) -> None:
    exchange.writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    exchange.writer.close()


async def _long_header(exchange: Exchange) -> None:
    _answer(exchange, 200, b"ok", x_long="v" * 100_000)


async def _odd_header(exchange: Exchange) -> None:
    _answer(exchange, 200, b"ok", content_type="text/\xff")


Behaviour = Callable[[Exchange], Awaitable[None]]
BEHAVIOURS: dict[str, Behaviour] = {
    "ok": _ok,
    "close": _close_after,
    "cookie": _cookie,
    "echo": _echo,
    "status": _status,
    "retry-after": _retry_after,
    "flaky": _flaky,
    "body": _body,
    "text": _text,
    "encoded": _encoded,
    "garbled": _garbled,
    "hang": _hang,
    "slow-headers": _slow_headers,
    "slow-body": _slow_body,
    "endless": _endless,
    "huge": _huge,
    "header-flood": _header_flood,
    "continue-flood": _continue_flood,
    "gzip-bomb": _gzip_bomb,
    "redirect": _redirect,
    "reset": _reset,
    "reset-after-headers": _reset_after_headers,
    "cut-body": _cut_body,
    "invalid": _invalid,
    "long-header": _long_header,
    "odd-header": _odd_header,
}
