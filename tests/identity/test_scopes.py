"""Scopes follow from the path and the method."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from stationmaster.app import create_app
from stationmaster.config import Settings
from stationmaster.entrypoints.api import ROUTERS
from stationmaster.identity.scopes import INCLUDED, known_scopes, needed_scopes
from stationmaster.web.items import Item, optional_fields
from stationmaster.web.operation import Operation


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(_env_file=None))


def endpoint_of(app: FastAPI, method: str, path: str) -> dict[str, Any]:
    """Return the scope of a connection as the router leaves it."""
    path, _, query = path.partition("?")
    connection: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": [], "app": app}
    connection["query_string"] = query.encode()
    for route in app.state.route_table.routes:
        if route.template == path and method in route.methods:
            connection["endpoint"] = route.context.endpoint
    return connection


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/api/v1/jobs", {"jobs:read"}),
        ("GET", "/api/v1/jobs?include=executions,stats", {"jobs:read", "executions:read"}),
        ("GET", "/api/v1/jobs?include=user", {"jobs:read", "users:read"}),
        ("GET", "/api/v1/jobs?include=nonsense", {"jobs:read"}),
        ("GET", "/api/v1/jobs/{job_id}/executions", {"jobs:read", "executions:read"}),
        ("GET", "/api/v1/jobs/{job_id}/schedules", {"jobs:read"}),
        ("POST", "/api/v1/jobs", {"jobs:write"}),
        ("DELETE", "/api/v1/jobs/{job_id}", {"jobs:write"}),
        ("GET", "/api/v1/users/me/export", {"users:read"}),
        ("GET", "/api/v1/api-keys/{key_id}", {"api-keys:read"}),
        ("GET", "/api/v1/auth/me", set()),
        ("GET", "/health", set()),
    ],
)
def test_needs(app: FastAPI, method: str, path: str, scopes: set[str]) -> None:
    known_scopes(app)

    assert needed_scopes(app, endpoint_of(app, method, path)) == scopes


def test_every_field_that_can_be_included_has_a_resource() -> None:
    own = {"attempts", "environment", "external_tasks", "job_name", "logs"}
    items = {route.response_model for router in ROUTERS for route in router.routes if isinstance(route, Operation)}
    models = {model for item in items for model in _models_in(item) if issubclass(model, Item)}
    included = {name for model in models for name in optional_fields(model)}

    assert included - own - INCLUDED.keys() == set()


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Walk an annotation: unions, and the parameters of pages."""
    metadata = getattr(annotation, "__pydantic_generic_metadata__", None)
    inner = metadata["args"] if metadata and metadata["args"] else get_args(annotation)
    for each in inner:
        yield from _models_in(each)
    if not inner and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation


def test_knows_two_scopes_of_each_resource(app: FastAPI) -> None:
    scopes = known_scopes(app)

    assert {"jobs:read", "jobs:write", "api-keys:read", "executions:write"} <= scopes
    assert not [scope for scope in scopes if scope.startswith(("auth:", "health:"))]
    assert {scope.partition(":")[2] for scope in scopes} == {"read", "write"}
