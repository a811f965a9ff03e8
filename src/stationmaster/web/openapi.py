"""Makes the OpenAPI document say what the service does: its refusals, its examples, its headers.

FastAPI knows nothing of problems, and documents its own 422 instead. Each operation gets the refusals that follow from what
it is (secured, with a body, with a path parameter); a router adds only what is particular, with `problems(409)`.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from stationmaster.web import schema_names
from stationmaster.web.examples import ABSENT, REF_PREFIX, example_of
from stationmaster.web.limits import LIMITED_PREFIX
from stationmaster.web.problems import MEDIA_TYPE, Problem
from stationmaster.web.schema import Instant, Output

Document = dict[str, Any]

# Every operation refuses malformed addresses and unknown parameters, and may find the house overloaded.
EVERYWHERE = (400, 422, 503)
# Adds "or nobody" to the callers of an operation that knows its caller but does not insist:
# `@router.get(..., openapi_extra=ANONYMOUS_TOO)`.
ANONYMOUS_TOO: dict[str, Any] = {"security": [{}]}
# On an operation that is only a question, whatever its method: it changes nothing and leaves nothing in the audit log.
UNAUDITED: dict[str, Any] = {"x-audited": False}

_REQUEST_ID = "0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e"
_INSTANT = "2026-11-21T08:30:00.000Z"
_LIST_HEADERS = {
    "Link": "Where the other pages are (RFC 8288): first, prev, next, last.",
    "X-Total-Count": "Items on all pages.",
    "X-Page": "Number of this page.",
    "X-Page-Size": "Most items on a page.",
    "X-Total-Pages": "Number of pages.",
}
_LIMIT_HEADERS = {
    "X-RateLimit-Limit": "Calls allowed in a window; absent for callers without limit.",
    "X-RateLimit-Remaining": "Calls left in this window.",
    "X-RateLimit-Reset": "When the window ends, in seconds since 1970.",
}
_EXAMPLE_DETAILS = {
    401: "Send a bearer token or an X-API-Key header.",
    403: "This needs the role admin or above; yours is user.",
    404: f"There is no job '{_REQUEST_ID}' that you can see.",
    409: "Another job has the name 'nightly'.",
    412: "The job has changed since you read it: read it again.",
    415: "Send the body as application/json.",
    422: "1 field is not valid.",
    429: "More than 1200 per 1 minute.",
    503: "The database does not answer in time.",
}
_PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": "How to prove who you are."},
    405: {"Allow": "The methods that this address answers to."},
    429: {"Retry-After": "Seconds to wait.", **_LIMIT_HEADERS},
    503: {"Retry-After": "Seconds to wait."},
}


_READ_BY_HAND: dict[str, type[BaseModel]] = {}
"""Bodies of which FastAPI knows nothing; their schemas are added to the document."""


class FieldProblem(Output):
    """One wrong field; either `pointer` or `parameter` says which."""

    detail: str = Field(description="What is wrong with it.", examples=["Field required"])
    pointer: str | None = Field(None, description="JSON Pointer (RFC 6901) into the body.", examples=["/target/url"])
    parameter: str | None = Field(None, description="Name of a query, path or header parameter.", examples=["page"])


class ProblemDocument(Output):
    """A refusal (RFC 9457)."""

    type: str = Field(description="Kind of problem, a relative reference.", examples=["/problems/conflict"])
    title: str = Field(description="The kind in words.", examples=["The present state forbids this"])
    status: int = Field(description="The HTTP status.", examples=[409])
    detail: str = Field(description="What happened, to which object, what to do.", examples=["The job is paused."])
    instance: str = Field(description="The request id, also in `x-request-id`.", examples=[_REQUEST_ID])
    timestamp: Instant
    errors: list[FieldProblem] | None = Field(None, description="The wrong fields, when the input is not valid.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare the refusals that are particular to an operation: `responses=problems(409, 412)`."""
    return {status: {"description": Problem.from_status(status).title} for status in statuses}


def body_of(model: type[BaseModel]) -> Document:
    """Return a reference to the schema of a body that an operation reads by itself, for its `openapi_extra`."""
    _READ_BY_HAND[model.__name__] = model
    return {"$ref": REF_PREFIX + model.__name__}


def operation_id(route: APIRoute) -> str:
    """Name an operation after its function (`create_job`), so that generated clients read well."""
    return route.name


def install(app: FastAPI, tags: Mapping[str, str]) -> None:
    """Let the application describe itself with problems and examples; `tags` names the groups and describes them."""
    app.openapi_tags = [{"name": name, "description": text} for name, text in tags.items()]
    describe = app.openapi
    app.openapi = lambda: _complete_once(app, describe)  # type: ignore[method-assign]  # FastAPI's documented hook


def _complete_once(app: FastAPI, describe: Callable[[], Document]) -> Document:
    document = describe()
    if not hasattr(app.state, "openapi") or app.state.openapi[0] is not document:
        app.state.openapi = (document, complete(copy.deepcopy(document)))
    completed: Document = app.state.openapi[1]
    return completed


def complete(document: Document) -> Document:
    """Add to FastAPI's document, in place, what FastAPI does not know."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for left_out in ("HTTPValidationError", "ValidationError"):
        schemas.pop(left_out, None)
    schemas.update(_problem_schemas())
    for name, schema in _schemas_by_hand(document).items():
        schemas.setdefault(name, schema)
    responses = components.setdefault("responses", {})
    components.setdefault("headers", {}).update(headers(_LIMIT_HEADERS))
    for path, operation in _operations(document):
        _add_refusals(operation, path, responses)
        _add_headers(operation)
        _add_examples(operation, schemas)
    schema_names.rename(document)
    return document


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, item in document.get("paths", {}).items():
        for operation in item.values():
            yield path, operation


def _problem_schemas() -> dict[str, Any]:
    models: list[tuple[type[BaseModel], Any]] = [(ProblemDocument, "serialization"), (FieldProblem, "serialization")]
    _, definitions = models_json_schema(models, ref_template=REF_PREFIX + "{model}")
    found: dict[str, Any] = definitions["$defs"]
    return found


def _schemas_by_hand(document: Document) -> dict[str, Any]:
    text = str(document.get("paths", {}))
    models: list[tuple[type[BaseModel], Any]] = [
        (model, "validation") for name, model in _READ_BY_HAND.items() if f"{REF_PREFIX}{name}'" in text
    ]
    _, definitions = models_json_schema(models, ref_template=REF_PREFIX + "{model}")
    found: dict[str, Any] = definitions.get("$defs", {})
    return found


def _add_refusals(operation: Document, path: str, shared: Document) -> None:
    declared = operation["responses"]
    generated = declared.get("422", {})
    if "HTTPValidationError" in str(generated):
        del declared["422"]
    for status in sorted({*_implied(operation, path), *_declared(declared)}):
        if "content" not in declared.get(str(status), {}):
            shared.setdefault(f"Problem{status}", _response(status))
            declared[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = dict(sorted(declared.items()))


def _declared(responses: Mapping[str, Any]) -> Iterator[int]:
    return (int(status) for status in responses if status.isdecimal() and int(status) >= 400)


def _implied(operation: Document, path: str) -> Iterator[int]:
    yield from EVERYWHERE
    if path.startswith(LIMITED_PREFIX):
        yield 429
    if operation.get("security"):
        yield from (401, 403)
    if "{" in path:
        yield 404
    if "requestBody" in operation:
        yield from (413, 415)


def _response(status: int) -> Document:
    problem = Problem.from_status(status)
    example = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": status,
        "detail": _EXAMPLE_DETAILS.get(status, problem.detail),
        "instance": _REQUEST_ID,
        "timestamp": _INSTANT,
    }
    if status == 422:
        example["errors"] = [{"detail": "Field required", "pointer": "/name"}]
    content = {MEDIA_TYPE: {"schema": {"$ref": REF_PREFIX + "ProblemDocument"}, "example": example}}
    response: Document = {"description": problem.title, "content": content}
    if status in _PROBLEM_HEADERS:
        response["headers"] = headers(_PROBLEM_HEADERS[status])
    return response


def _add_headers(operation: Document) -> None:
    for status, response in operation["responses"].items():
        if status == "201":
            _promise(response, headers({"Location": "Where the new object is."}))
        elif status == "200" and _is_page(response):
            _promise(response, headers(_LIST_HEADERS))
        if status < "300" and "429" in operation["responses"]:
            _promise(response, {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMIT_HEADERS})


def _promise(response: Document, promised: Document) -> None:
    response["headers"] = {**promised, **response.get("headers", {})}


def _is_page(response: Document) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    pages = (REF_PREFIX + "Page_", REF_PREFIX + "LargePage_")
    return any(choice.get("$ref", "").startswith(pages) for choice in schema.get("anyOf", [schema]))


def headers(descriptions: Mapping[str, str]) -> Document:
    """Describe headers that are text."""
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in descriptions.items()}


def _add_examples(operation: Document, schemas: Mapping[str, Any]) -> None:
    contents = [operation.get("requestBody", {}).get("content", {})]
    contents += [response.get("content", {}) for response in operation["responses"].values()]
    for content in contents:
        for media in content.values():
            if "schema" in media and not {"example", "examples"} & media.keys():
                example = example_of(media["schema"], schemas)
                if example is not ABSENT:
                    media["example"] = example
