"""How large a request's body may be: small everywhere, larger where files are taken.

@router.post("", openapi_extra=UPLOAD)
"""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from stationmaster.web.routes import RouteFacts, local_path, route_table

UPLOAD: dict[str, Any] = {"x-upload": True}
"""Declares that an operation takes files, as its `openapi_extra`."""
ENVELOPE_BYTES = 65_536
"""What a form needs around a file: boundaries, names, short fields."""
_METHODS = frozenset({"PATCH", "POST", "PUT"})


class BodyLimit:
    """Cuts bodies off at the limit of their operation."""

    def __init__(self, app: ASGIApp, *, plain_bytes: int, upload_bytes: int) -> None:
        self._plain = RequestBodyLimitMiddleware(app, max_body_size=plain_bytes)
        self._upload = RequestBodyLimitMiddleware(app, max_body_size=max(plain_bytes, upload_bytes + ENVELOPE_BYTES))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._upload if _takes_files(scope) else self._plain)(scope, receive, send)


def _takes_files(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in _METHODS:
        return False
    method, path = scope["method"], local_path(scope)
    return any(method in route.methods and route.matches(path) for route in _upload_routes(scope["app"]))


def _upload_routes(app: FastAPI) -> Sequence[RouteFacts]:
    if not hasattr(app.state, "upload_routes"):
        every = route_table(app).routes
        app.state.upload_routes = [route for route in every if route.openapi_extra.items() >= UPLOAD.items()]
    routes: Sequence[RouteFacts] = app.state.upload_routes
    return routes
