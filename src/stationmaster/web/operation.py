"""The kind of route that all routers of the API have: `APIRouter(route_class=Operation)`.

It sees an answer when it is written and the request's transaction has not committed yet. That is the moment to put the tag
on it, and to note it for a request that may be sent again. It also describes both in the OpenAPI document.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from stationmaster.web import etag, idempotency
from stationmaster.web.idempotency_answer import REPLAYED
from stationmaster.web.idempotency_request import HEADER, MAX_LENGTH
from stationmaster.web.openapi import headers, problems

Document = dict[str, Any]

_KEY_PARAMETER: Document = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A random text of your own, such as a UUID. For 24 hours, the same request with the same key is carried"
    " out once: sent again, it gets the same answer.",
    "schema": {
        "type": "string",
        "maxLength": MAX_LENGTH,
        "pattern": r'^("[ !#-\[\]-~]{1,253}"|[!#-~]{1,255})$',
        "examples": ["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    },
}
_NONE_MATCH_PARAMETER: Document = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the answer you have: 304 if it is still the same.",
    "schema": {"type": "string"},
}
_TAG_HEADER = {"ETag": "What it is now, for `If-Match` and `If-None-Match`."}
_REPLAYED_HEADER = {REPLAYED: "`true` when this answer was given before."}


class Operation(APIRoute):
    """A route whose answers carry tags and can be given again."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.responses = _merge(self.responses, *_responses(self))
        extra = self.openapi_extra or {}
        self.openapi_extra = {**extra, "parameters": [*extra.get("parameters", []), *_parameters(self)]}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, model, dependant = super().get_route_handler(), self.response_model, self.dependant

        async def answer(request: Request) -> Response:
            etag.refuse_unheard(request, dependant)
            try:
                response = await handle(request)
            finally:
                # Files of a form that an operation reads itself, or that was read only to compare it with an earlier one.
                await request.close()
            if etag.is_object(model):
                response = etag.tag(request, response, model)
            idempotency.note_answer(request, response)
            return response

        return answer


def _parameters(route: Operation) -> Iterator[Document]:
    methods = route.methods or set()
    if "POST" in methods:
        yield _KEY_PARAMETER
    if "GET" in methods and etag.is_object(route.response_model):
        yield _NONE_MATCH_PARAMETER


def _responses(route: Operation) -> Iterator[dict[int | str, Document]]:
    status, methods = route.status_code or 200, route.methods or set()
    if "POST" in methods:
        yield {status: {"headers": headers(_REPLAYED_HEADER)}, **problems(409)}
    if etag.asks_for_match(route.dependant):
        yield problems(412)
    if etag.is_object(route.response_model) and any((method, status) in etag.TAGGED for method in methods):
        yield {status: {"headers": headers(_TAG_HEADER)}}
        if "GET" in methods:
            yield {304: {"description": "It is as `If-None-Match` says.", "headers": headers(_TAG_HEADER)}}


def _merge(*declared: dict[int | str, Document]) -> dict[int | str, Document]:
    merged: dict[int | str, Document] = {}
    for responses in declared:
        for status, response in responses.items():
            known = merged.get(status, {})
            merged[status] = {
                **response,
                **known,
                "headers": {**known.get("headers", {}), **response.get("headers", {})},
            }
    return merged
