"""One log line and two metrics for each request."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stationmaster.telemetry import metrics
from stationmaster.web.routes import route_table

logger = logging.getLogger(__name__)

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
# Probes and scrapes come every few seconds and say nothing.
QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
# The client left before the answer began; nginx's code for it.
CLIENT_CLOSED = 499


class AccessLog:
    """Writes one line and counts one request; no address of the caller, no values of the query."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began = time.perf_counter()
        answered: list[tuple[int, float]] = []

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered.append((message["status"], time.perf_counter() - began))
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            ended = time.perf_counter() - began
            status, first_byte = answered[0] if answered else (CLIENT_CLOSED, ended)
            _record(scope, status, first_byte_seconds=first_byte, seconds=ended)
        return None


def _record(scope: Scope, status: int, *, first_byte_seconds: float, seconds: float) -> None:
    found = route_table(scope["app"]).find(scope)
    route = found.template if found else "none"
    method = scope["method"] if scope["method"] in (*METHODS, "OPTIONS") else "other"
    metrics.http_requests.labels(method, route, f"{status // 100}xx").inc()
    metrics.http_request_seconds.labels(method, route).observe(first_byte_seconds)
    level = logging.DEBUG if route in QUIET_ROUTES else logging.INFO
    facts = {"method": method, "route": route, "status": status, "duration_ms": round(seconds * 1000, 1)}
    logger.log(level, "http.request", extra=facts)
