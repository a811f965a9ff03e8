"""Which operations share a rate limit, and the headers by which every answer tells how much of it is left.

The router of an operation says so where it is not the general one:

    @router.post("/login", openapi_extra=limited_as(LimitClass.LOGIN))
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stationmaster.web.routes import RouteFacts

LIMITED_PREFIX = "/api/"
"""Operations below it are limited also if they say nothing; probes, metrics and pages are not."""
DECLARATION = "x-rate-limit"

_STATE = "rate_limit_headers"


class LimitClass(StrEnum):
    """Operations that draw on the same budget; the values name their settings."""

    GENERAL = "general"
    EXECUTION = "execution"
    LOGIN = "login"
    REGISTRATION = "registration"
    RECOVERY = "recovery"

    @property
    def is_for_strangers(self) -> bool:
        """Say whether it guards what anybody may try: counted by address, and nobody is exempt."""
        return self in {LimitClass.LOGIN, LimitClass.REGISTRATION, LimitClass.RECOVERY}


def limited_as(limit_class: LimitClass) -> dict[str, Any]:
    """Declare the class of an operation, as its `openapi_extra`."""
    return {DECLARATION: limit_class.value}


def limit_class_of(route: RouteFacts) -> LimitClass | None:
    """Return on which budget the calls of a route draw; None for those without any."""
    declared = route.openapi_extra.get(DECLARATION)
    if declared is not None:
        return LimitClass(declared)
    return LimitClass.GENERAL if route.template.startswith(LIMITED_PREFIX) else None


def promise_headers(scope: Scope, headers: Mapping[str, str]) -> None:
    """Have these headers on the answer to this request, whatever it will be."""
    scope.setdefault("state", {})[_STATE] = dict(headers)


class LimitHeaders:
    """Puts the promised headers on the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                message.setdefault("headers", [])
                MutableHeaders(scope=message).update(scope.get("state", {}).get(_STATE, {}))
            await send(message)

        await self.app(scope, receive, with_headers)
