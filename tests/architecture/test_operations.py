"""What holds for every operation of the API, whoever wrote it: repeatable, tagged, and what it takes it heeds."""

from typing import Any

import pytest
from fastapi.routing import APIWebSocketRoute

from stationmaster.app import create_app
from stationmaster.config import Settings
from stationmaster.entrypoints.api import ROUTERS
from stationmaster.web.operation import Operation

DOCUMENT = create_app(Settings(_env_file=None)).openapi()

# Changes of what no GET shows by itself, so that nobody can have a tag of it.
WITHOUT_TAG = {
    ("put", "/api/v1/executions/{execution_id}/artifacts/{artifact_name}"),
    ("delete", "/api/v1/users/me/sessions"),
    ("delete", "/api/v1/users/me/sessions/{session_id}"),
    ("put", "/api/v1/notifications/read-all"),
    ("delete", "/api/v1/notifications/read"),
}


def operations(*methods: str) -> list[Any]:
    return [
        pytest.param(path, operation, id=f"{method.upper()} {path}")
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in methods and path.startswith("/api/")
    ]


def headers_taken(operation: dict[str, Any]) -> set[str]:
    return {each["name"].lower() for each in operation.get("parameters", []) if each["in"] == "header"}


def successes(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [response for status, response in operation["responses"].items() if status < "300"]


def is_object(response: dict[str, Any]) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    is_list = {"items", "size"} <= DOCUMENT["components"]["schemas"].get(name, {}).get("properties", {}).keys()
    return bool(name) and not is_list


def test_every_route_is_an_operation() -> None:
    routes = [route for router in ROUTERS for route in router.routes if not isinstance(route, APIWebSocketRoute)]
    others = [route for route in routes if not isinstance(route, Operation)]

    assert others == []


@pytest.mark.parametrize(("path", "operation"), operations("post"))
def test_every_post_can_be_sent_twice(path: str, operation: dict[str, Any]) -> None:
    assert "idempotency-key" in headers_taken(operation)
    assert "409" in operation["responses"]
    assert all("Idempotency-Replayed" in response["headers"] for response in successes(operation))


@pytest.mark.parametrize(("path", "operation"), operations("get"))
def test_every_object_has_a_tag(path: str, operation: dict[str, Any]) -> None:
    success, *_ = successes(operation)

    assert is_object(success) == ("ETag" in success.get("headers", {}))
    assert is_object(success) == ("304" in operation["responses"]) == ("if-none-match" in headers_taken(operation))


@pytest.mark.parametrize(("path", "operation"), operations("patch", "put", "delete"))
def test_every_change_heeds_a_tag(path: str, operation: dict[str, Any]) -> None:
    is_heeded = "if-match" in headers_taken(operation)

    assert is_heeded == ("412" in operation["responses"])
    assert is_heeded or any((method, path) in WITHOUT_TAG for method in DOCUMENT["paths"][path])


@pytest.mark.parametrize(("path", "operation"), operations("get", "post", "patch", "put", "delete"))
def test_every_operation_tells_its_limit(path: str, operation: dict[str, Any]) -> None:
    assert "429" in operation["responses"]
    assert all("X-RateLimit-Remaining" in response["headers"] for response in successes(operation))
