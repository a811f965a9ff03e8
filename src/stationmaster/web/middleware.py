"""What happens around every request, as plain ASGI (Starlette's BaseHTTPMiddleware breaks streams and cancellation).

From the outside in:

    RequestContext    the request id: taken or made, in the state, in every log line, in the answer
    AccessLog         one line and two metrics for each request
    SecurityHeaders   what every answer carries
    LimitHeaders      how many calls are left, where calls are counted
    PlainRefusals     the plain-text refusals of Starlette's own middlewares become problems
    CORSMiddleware    only where origins are set
    TrustedHost       only where hosts are set
    Address           one Host, readable text, a trailing slash means the same
    ErrorBoundary     an unforeseen exception becomes a problem that says nothing of it
    ImpliedMethods    HEAD wherever GET is, OPTIONS everywhere
    Compression       of what is read, unless a setting leaves it to a proxy
    BodyLimit         a small limit, a larger one where files are taken; a route's own `max_body_size` overrides it

The boundary stands inside, so that answers for failures carry the same headers as all others.
"""

import re
from collections.abc import Awaitable, Callable

import structlog
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from stationmaster.config import Settings
from stationmaster.kit.ids import new_id
from stationmaster.web.access_log import METHODS, AccessLog
from stationmaster.web.address import Address
from stationmaster.web.body_limit import BodyLimit
from stationmaster.web.limits import LimitHeaders
from stationmaster.web.problems import Problem, ProblemResponse, unforeseen
from stationmaster.web.routes import local_path, route_table

EXPOSED_HEADERS = (
    "ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "X-Page", "X-Page-Size", "X-RateLimit-Limit",
    "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Total-Count", "X-Total-Pages", "x-request-id",
)  # fmt: skip
ACCEPTED_HEADERS = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "X-API-Key",
    "X-CSRF-Token", "x-request-id",
)  # fmt: skip

SECURITY_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

COMPRESSED_FROM_BYTES = 1024
COMPRESSION_LEVEL = 1  # 50 kB of a list become 10.6 kB in 1.4 ms of the event loop; with level 5, 9.7 kB in 3.0 ms

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def install(app: FastAPI, settings: Settings) -> None:
    """Put all middlewares around the application, in the order above."""
    stack = [
        Middleware(RequestContext),
        Middleware(AccessLog),
        Middleware(SecurityHeaders),
        Middleware(LimitHeaders),
        Middleware(PlainRefusals),
        *_cors(settings),
        *_trusted_hosts(settings),
        Middleware(Address),
        Middleware(ErrorBoundary),
        Middleware(ImpliedMethods),
        *_compression(settings),
        Middleware(BodyLimit, plain_bytes=settings.http.max_body_bytes, upload_bytes=_largest_upload(settings)),
    ]
    app.user_middleware[:0] = stack


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_credentials=True,
            allow_methods=METHODS,
            allow_headers=ACCEPTED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
        )
    ]


def _compression(settings: Settings) -> list[Middleware]:
    return [Middleware(Compression)] if settings.http.compression else []


def _largest_upload(settings: Settings) -> int:
    return max(settings.files.max_bytes, settings.journal.max_artifact_bytes, settings.scripts.max_archive_bytes)


def _trusted_hosts(settings: Settings) -> list[Middleware]:
    if not settings.http.allowed_hosts:
        return []
    return [Middleware(TrustedHostMiddleware, allowed_hosts=settings.http.allowed_hosts, www_redirect=False)]


class RequestContext:
    """Gives the request an id: the caller's when it is sane, a new UUIDv7 otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if _REQUEST_ID.match(offered) else str(new_id())
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, on_start(send, lambda headers: headers.update({"x-request-id": request_id})))
        return None


class SecurityHeaders:
    """Adds the headers that every answer should have; one that the endpoint set itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, on_start(send, self._add))

    @staticmethod
    def _add(headers: MutableHeaders) -> None:
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)


class PlainRefusals:
    """Rewrites the plain-text 400 and 413 of Starlette's own middlewares (CORS, hosts, body limit) as problems."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        refused: Message | None = None

        async def rewrite(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and _is_plain_refusal(message):
                refused = message
            elif refused is None:
                await send(message)
            elif not message.get("more_body"):
                detail = message.get("body", b"").decode("utf-8", "replace")
                await _as_problem(refused, detail, scope)(scope, receive, send)

        return await self.app(scope, receive, rewrite)


def _is_plain_refusal(start: Message) -> bool:
    media_type = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] in (400, 413) and media_type.startswith("text/plain")


def _as_problem(start: Message, detail: str, scope: Scope) -> Response:
    framing = ("content-type", "content-length")
    kept = {name: value for name, value in Headers(raw=start["headers"]).items() if name not in framing}
    return ProblemResponse(Problem.from_status(start["status"], detail), scope, kept)


class ErrorBoundary:
    """Answers for every exception that nobody foresaw, and logs it once."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent: set[str] = set()

        async def watch(message: Message) -> None:
            sent.add(message["type"])
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except (ClientDisconnect, WebSocketDisconnect):
            return
        except Exception as error:  # noqa: BLE001  # the outermost place: whatever it is, the caller gets an answer
            answer = unforeseen(scope, error)
            if scope["type"] == "http" and not sent:
                await answer(scope, receive, send)
            elif scope["type"] == "websocket" and "websocket.close" not in sent:
                await send({"type": "websocket.close", "code": 1011})
            # An HTTP answer that has begun cannot be taken back: the server sees it incomplete and cuts the connection.


class ImpliedMethods:
    """HEAD answers as GET does, without the body (RFC 9110, 9.3.2); OPTIONS names the methods of an address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("HEAD", "OPTIONS"):
            return await self.app(scope, receive, send)
        table, path = route_table(scope["app"]), local_path(scope)
        declared = table.declared_at(path)
        if not declared or scope["method"] in declared:
            return await self.app(scope, receive, send)
        if scope["method"] == "HEAD":
            return await self._answer_head(scope, receive, send)
        allow = Response(status_code=204, headers={"Allow": ", ".join(sorted(table.methods_at(path)))})
        return await allow(scope, receive, send)

    async def _answer_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_complete = False

        async def without_body(message: Message) -> None:
            nonlocal is_complete
            if is_complete:
                # Nobody reads on: end the stream or the file, however long it is.
                raise ClientDisconnect
            is_complete = message["type"] == "http.response.body"
            await send({**message, "body": b"", "more_body": False} if is_complete else message)

        # A copy: the server looks at its own scope to know that no body follows.
        inner = {**scope, "method": "GET"}
        try:
            await self.app(inner, receive, without_body)
        finally:
            scope["endpoint"] = inner.get("endpoint")


class Compression:
    """Compresses the answers to GET; streams of events and what is compressed already stay as they are.

    Only to GET: secrets are told once, in the answer to the request that made them, and beside what that request said. The
    length of such an answer, compressed, would tell how much of the two is alike (BREACH).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.compressing = GZipMiddleware(app, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=COMPRESSION_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] == "GET"
        await (self.compressing if is_read else self.app)(scope, receive, send)


def on_start(send: Send, change: Callable[[MutableHeaders], object]) -> Callable[[Message], Awaitable[None]]:
    """Wrap `send` so that `change` sees the headers of the answer before they leave."""

    async def changed(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            message.setdefault("headers", [])
            change(MutableHeaders(scope=message))
        await send(message)

    return changed
