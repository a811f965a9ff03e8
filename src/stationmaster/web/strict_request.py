"""Refuses, on every route, what the route never declared: methods, query parameters, media types, oversized bodies.

One dependency of the whole application (`FastAPI(dependencies=[StrictRequest])`), so it also covers the routes of included
routers, and runs before the session opens and the endpoint works.
"""

from email.message import Message
from http import HTTPStatus
from typing import Any

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.requests import HTTPConnection

from stationmaster.errors import FieldError, Invalid, TooLarge, UnsupportedMedia
from stationmaster.web.routes import Media, local_path, route_table

ANY_QUERY: dict[str, Any] = {"x-any-query": True}
"""Declares that an operation takes query parameters of any name, as its `openapi_extra`."""

_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


async def refuse_undeclared(connection: HTTPConnection) -> None:
    """Compare the request with the declaration of its route.

    Raises:
        HTTPException: 405, since the path has routes of its own, and none with this method.
        Invalid: a query parameter that the route does not know.
        UnsupportedMedia: a body in a form that the route does not read.
        TooLarge: a declared length over the limit of the route.
    """
    table = route_table(connection.app)
    route = table.find(connection.scope)
    assert route is not None, "routes are added before the first request"
    if table.is_taken_for_a_value(route, local_path(connection.scope)):
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)
    _check_length(connection)
    _check_media(connection, route.media)
    if not route.openapi_extra.items() >= ANY_QUERY.items():
        _check_query(connection, route.query_names)


StrictRequest = Depends(refuse_undeclared)


def _check_length(connection: HTTPConnection) -> None:
    # The body limit strikes when the body is read or the answer begins; without this check an operation that reads no
    # body would do its work first and be answered with 413 nevertheless.
    limit = connection.scope.get(MAX_BODY_SIZE_SCOPE_KEY)
    if limit is not None and _declared_length(connection) > limit:
        raise TooLarge("The body is larger than this operation reads.")


def _check_media(connection: HTTPConnection, expected: Media | None) -> None:
    has_body = _declared_length(connection) > 0 or "transfer-encoding" in connection.headers
    if expected is None or not has_body:
        return
    sent = _media_type(connection.headers.get("content-type", ""))
    if expected == "json" and sent != "application/json" and not sent.endswith("+json"):
        raise UnsupportedMedia("Send the body as application/json.")
    if expected == "form" and sent not in _FORMS:
        raise UnsupportedMedia("Send the body as application/x-www-form-urlencoded or multipart/form-data.")


def _check_query(connection: HTTPConnection, known: frozenset[str]) -> None:
    unknown = sorted(set(connection.query_params) - known)
    if unknown:
        raise Invalid(
            *(FieldError("There is no such query parameter here.", parameter=name[:100]) for name in unknown[:20])
        )


def _declared_length(connection: HTTPConnection) -> int:
    text = connection.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _media_type(header: str) -> str:
    # The parser that FastAPI uses too, so that both see the same type.
    message = Message()
    message["content-type"] = header
    return message.get_content_type() if header else ""
