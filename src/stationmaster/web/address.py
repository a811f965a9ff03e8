"""To whom and to what a request is addressed, before any route looks at it."""

from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from stationmaster.web.problems import Problem, ProblemResponse


class Address:
    """Refuses ambiguous hosts and unreadable addresses; a trailing slash answers the same, without a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        wrong = _fault_of_host(scope) or _fault_of_address(scope)
        if wrong is not None:
            return await ProblemResponse(Problem.from_status(400, wrong), scope)(scope, receive, send)
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path[:-1]
        return await self.app(scope, receive, send)


def _fault_of_host(scope: Scope) -> str | None:
    hosts = len(Headers(scope=scope).getlist("host"))
    is_old = scope.get("http_version") == "1.0"
    # RFC 9112, section 3.2: a 1.1 request without a Host, or any with two, must be answered with 400.
    return None if hosts == 1 or (hosts == 0 and is_old) else "Send exactly one Host header."


def _fault_of_address(scope: Scope) -> str | None:
    for part in (scope.get("raw_path") or scope["path"].encode("utf-8", "replace"), scope.get("query_string", b"")):
        decoded = unquote_to_bytes(part)
        if b"\x00" in decoded or not _is_utf8(decoded):
            return "The address has the character NUL or bytes that are not UTF-8."
    return None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
