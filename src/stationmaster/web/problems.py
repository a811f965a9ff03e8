"""Every answer that is not success, as `application/problem+json` (RFC 9457).

`type` is a relative reference, `/problems/<slug>`; `docs/reference/problems.md` explains each. `instance` is the request
id, the same as in the header `x-request-id` and in our log. Nothing of an unforeseen exception leaves the house.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketState

from stationmaster import errors
from stationmaster.errors import FieldError, Invalid, StationmasterError
from stationmaster.kit import clock
from stationmaster.kit.instants import format_instant
from stationmaster.web import database_errors
from stationmaster.web.routes import local_path, route_table
from stationmaster.web.validation_errors import to_field_errors

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_CLASSES: dict[int, type[StationmasterError]] = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.NotFound,
        errors.Conflict,
        errors.PreconditionFailed,
        errors.TooLarge,
        errors.UnsupportedMedia,
        errors.Invalid,
        errors.TooManyRequests,
        errors.StationmasterError,
        errors.Unavailable,
    )
}
# Starlette gives the bare phrase as detail, in the wording of its own version; these say more.
_DETAILS = {
    400: "The request is malformed.",
    404: "There is nothing at this address.",
    413: "The body is larger than this operation reads.",
    500: "Something went wrong on our side; the operator finds it in the log by this request id.",
}


@dataclass(frozen=True)
class Problem:
    """The facts of one refusal."""

    status: int
    slug: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()
    retry_after_seconds: float | None = None

    @classmethod
    def from_error(cls, error: StationmasterError) -> "Problem":
        return cls(
            error.status,
            error.slug,
            error.title,
            error.detail,
            error.errors if isinstance(error, Invalid) else (),
            error.retry_after_seconds,
        )

    @classmethod
    def from_status(cls, status: int, detail: str | None = None) -> "Problem":
        """Describe a refusal of which only the status, and perhaps a detail, is known."""
        phrase = HTTPStatus(status).phrase
        known = _CLASSES.get(status)
        slug = known.slug if known else phrase.lower().replace(" ", "-")
        is_bare = not detail or detail in (phrase, "Content Too Large")
        informative = _DETAILS.get(status, phrase) if is_bare else str(detail)
        return cls(status, slug, known.title if known else phrase, informative)


class ProblemResponse(JSONResponse):
    """A problem on its way out."""

    media_type = MEDIA_TYPE

    def __init__(self, problem: Problem, scope: Scope, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(
            _document(problem, scope), problem.status, headers={**_headers_of(problem), **dict(headers or {})}
        )

    def render(self, content: Any) -> bytes:
        # ASCII only: a field name of the caller's may hold half a surrogate pair, which UTF-8 cannot express.
        return json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def install(app: FastAPI) -> None:
    """Answer every known kind of refusal with a problem; what is unknown is left to `middleware.ErrorBoundary`."""
    handlers: dict[type[Exception], Callable[[Any, Any], Awaitable[Any]]] = {
        StationmasterError: _refuse,
        RequestValidationError: _refuse_invalid,
        WebSocketRequestValidationError: _refuse_invalid,
        HTTPException: _refuse_status,
        **dict.fromkeys(database_errors.HANDLED, _refuse_database),
    }
    app.exception_handlers.update(handlers)


def unforeseen(scope: Scope, error: Exception) -> ProblemResponse:
    """Log an exception that nobody answered for, and make the answer that says nothing of it."""
    logger.error("http.failed", exc_info=error, extra={"method": scope.get("method"), "kind": type(error).__name__})
    return ProblemResponse(Problem.from_status(500), scope)


async def _refuse(connection: HTTPConnection, error: StationmasterError) -> Response | None:
    return await _answer(connection, Problem.from_error(error))


async def _refuse_invalid(
    connection: HTTPConnection, error: RequestValidationError | WebSocketRequestValidationError
) -> Response | None:
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        return await _answer(connection, Problem.from_error(_unreadable(found[0])))
    body = getattr(error, "body", None)
    return await _answer(connection, Problem.from_error(Invalid(*to_field_errors(found, body))))


def _unreadable(error: Mapping[str, Any]) -> errors.BadRequest:
    position = error["loc"][1]
    return errors.BadRequest(f"The body is not JSON: {error['ctx']['error']} at character {position}.")


async def _refuse_status(connection: HTTPConnection, error: HTTPException) -> Response | None:
    headers = dict(error.headers or {})
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=headers)
    detail: str = error.detail
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names the methods of the first route only.
        methods = ", ".join(sorted(route_table(connection.app).methods_at(local_path(connection.scope))))
        headers["Allow"] = methods
        detail = f"This address answers to {methods}."
    return await _answer(connection, Problem.from_status(error.status_code, detail), headers)


async def _refuse_database(connection: HTTPConnection, error: Exception) -> Response | None:
    answer = database_errors.find_answer(error)
    if answer is None:
        raise error
    logger.warning(
        "database.refused",
        extra={"kind": type(error).__name__, "sqlstate": database_errors.sqlstate_of(error), "status": answer.status},
    )
    return await _answer(connection, Problem.from_error(answer))


async def _answer(
    connection: HTTPConnection, problem: Problem, headers: Mapping[str, str] | None = None
) -> Response | None:
    if not isinstance(connection, WebSocket):
        return ProblemResponse(problem, connection.scope, headers)
    is_open = connection.application_state == WebSocketState.CONNECTED
    if not is_open and "websocket.http.response" in connection.scope.get("extensions", {}):
        await connection.send_denial_response(ProblemResponse(problem, connection.scope, headers))
    else:
        # 4000 to 4999 are for applications (RFC 6455, section 7.4.2).
        await connection.close(code=4000 + problem.status, reason=problem.title)
    return None


def _document(problem: Problem, scope: Scope) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": scope.get("state", {}).get("request_id", ""),
        "timestamp": format_instant(clock.now()),
    }
    if problem.errors:
        document["errors"] = [_without_none(asdict(error)) for error in problem.errors]
    return document


def _without_none(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}


def _headers_of(problem: Problem) -> dict[str, str]:
    headers = {}
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, ceil(problem.retry_after_seconds)))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return headers
